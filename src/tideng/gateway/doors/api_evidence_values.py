"""What the operations on evidence take and give."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from tideng.gateway.doors.api_values import PhoneNumber, Time

MESSAGES_MAX: Final = 1_000
MessageNumber = Annotated[str, Meta(pattern="^[0-9]{1,18}$", description="A message's id.")]
CaseName = Annotated[str, Meta(min_length=1, max_length=100, description="The case's number.")]
Field = Literal["recipient", "text", "sender", "raw", "slots", "reason", "subject"]


class BundleRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to hand over: messages, everything about a number, or a case that was put together."""

    messages: Annotated[list[MessageNumber], Meta(max_length=MESSAGES_MAX)] = []
    number: Annotated[str, Meta(max_length=64, description="With proof of completeness.")] = ""
    start: Time | None = field(name="from", default=None)
    stop: Time | None = field(name="to", default=None)
    case: Annotated[str, Meta(max_length=100, description="The case's number, for the custody list.")] = ""
    purpose: Annotated[str, Meta(max_length=500)] = ""
    disclose: Annotated[tuple[Field, ...], Meta(max_length=7, description="Fields to open.")] = (
        "recipient",
        "text",
        "sender",
        "raw",
        "slots",
    )
    pdf: Annotated[bool, Meta(description="Also the timeline as PDF/A.")] = True


class CaseRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages to put into a case."""

    case: CaseName
    messages: Annotated[list[MessageNumber], Meta(max_length=MESSAGES_MAX)] = []


class CaseContent(Struct, frozen=True):
    """What is in a case; `position` is the entry that says what was new, -1 when nothing was."""

    case: str
    messages: list[str]
    position: int


class ComplaintRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step in the handling of a complaint. The first is "received", the last "closed"."""

    message: MessageNumber
    complaint: Annotated[str, Meta(min_length=1, max_length=100, description="The complaint's own number.")]
    step: Literal["received", "forwarded", "answered", "measure", "closed"]
    text: Annotated[str, Meta(max_length=4_000, description="What was written; sealed.")] = ""
    due_at: Time | None = None


class ComplaintResult(Struct, frozen=True):
    """Where the step lies in the ledger."""

    position: int


class PersonRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person."""

    number: PhoneNumber


class EraseRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person, and why they are erased."""

    number: PhoneNumber
    basis: Annotated[str, Meta(min_length=1, max_length=500)] = "request"


class ErasedResult(Struct, frozen=True):
    """What an erasure did."""

    position: int
    records: int
    opt_outs_kept: int


class HoldRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A legal hold."""

    number: PhoneNumber
    case: CaseName
    state: Literal["begun", "ended"] = "begun"


class HoldResult(Struct, frozen=True):
    """`changed` is false where it was so already."""

    case: str
    state: str
    changed: bool


class RetentionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run of the retention policy."""

    dry_run: bool = False
    policy: Annotated[str, Meta(max_length=20_000, description="TOML; empty: the one shipped.")] = ""


class RetentionResult(Struct, frozen=True):
    """What was erased, or is due; `position` is the run's entry, -1 when there is none."""

    position: int
    policy: str
    messages: int
    replies: int
    consents: int
    held: int
    dry_run: bool
