"""What the API takes and gives: the structs its OpenAPI page is made from."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from tideng.gateway.messages import Micros
from tideng.gateway.registry.values import Category

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

MESSAGES_MAX: Final = 500
ROWS_MAX: Final = 1_000
"""Consents or opt-outs in one request."""
_ID: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its offset.")]
Name = Annotated[str, Meta(pattern=_ID, description="An id of the registry.")]
PhoneNumber = Annotated[
    str, Meta(min_length=1, max_length=64, description="A phone number, as one writes it.")
]


class MessageRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One message. Give `text`, or `template` with its `slots`."""

    to: PhoneNumber
    text: Annotated[
        str, Meta(min_length=1, max_length=10_000, description="The whole text; long ones are split by us.")
    ] = ""
    template: Annotated[str, Meta(pattern=_ID, description="An approved template of yours.")] = ""
    slots: Annotated[
        dict[str, Annotated[str, Meta(max_length=200)]],
        Meta(max_length=50, description="Slot name to its value."),
    ] = {}
    signature: Annotated[
        str,
        Meta(pattern=r"^[^\x00-\x1f【】]{1,20}$", description="Put in 【】 before a text that lacks it."),
    ] = ""
    principal: Annotated[str, Meta(pattern=_ID, description="On whose behalf; else the signature says.")] = ""
    category: Category | Literal[""] = ""
    from_: Annotated[
        str, Meta(pattern="^[0-9]{1,21}$", description="The code number to show, extension included.")
    ] = field(name="from", default="")
    reference: Annotated[
        str, Meta(pattern=r"^[\x20-\x7e]{1,64}$", description="Yours; comes back in reports.")
    ] = ""
    not_before: Time | None = None
    valid_until: Time | None = None
    report: Annotated[bool, Meta(description="Whether you want delivery reports.")] = True


class MessagesRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several messages; each is reviewed and answered by itself."""

    messages: Annotated[list[MessageRequest], Meta(min_length=1, max_length=MESSAGES_MAX)]


class MessageResult(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The verdict on one message, durably recorded."""

    id: Annotated[str, Meta(description="Decimal digits.")]
    action: Annotated[Literal["send", "hold", "refuse", "none"], Meta(description="none: not recorded.")]
    codes: Annotated[tuple[str, ...], Meta(description="Finding codes, strongest first.")] = ()
    position: Annotated[int, Meta(description="Ledger index of the decision.")] = -1
    not_before: Annotated[str, Meta(description="When quiet hours move the message: RFC 3339.")] = ""
    error: Annotated[str, Meta(description="not-recorded: send this one again.")] = ""


class MessagesResult(Struct, frozen=True):
    """One result per message, in the order asked."""

    results: list[MessageResult]


class LifeStep(Struct, frozen=True):
    """One ledger entry of a message's life."""

    position: int
    kind: str
    at: str


class Part(Struct, frozen=True):
    """One part of a long message, as far as reports came."""

    part: int
    parts: int
    state: str


class MessageStatus(Struct, frozen=True, kw_only=True):
    """A message as it stands."""

    id: str
    action: str
    state: str
    codes: tuple[str, ...]
    position: int
    principal: str
    category: str
    code_number: str
    reference: str
    maybe_sent: Annotated[bool, Meta(description="True: after a crash it may have been sent twice.")]
    received_at: str
    changed_at: str
    life: list[LifeStep]
    parts: Annotated[list[Part], Meta(description="Of long messages; empty for short ones.")]


class InboundItem(Struct, frozen=True, kw_only=True):
    """One reply. `from` and `text` are empty once the sender was erased."""

    id: str
    from_: str = field(name="from")
    text: str
    code_number: str
    principal: str
    meaning: str
    received_at: str
    position: int


class InboundPage(Struct, frozen=True):
    """Replies, oldest first. Ask again with `after` = `next` until it is empty."""

    items: list[InboundItem]
    next: str


class InclusionProof(Struct, frozen=True, kw_only=True):
    """Shows that one entry is in the ledger (RFC 6962 §2.1.1)."""

    position: int
    entry: Annotated[str, Meta(description="The canonical entry, base64.")]
    leaf_hash: Annotated[str, Meta(description="Hex.")]
    path: Annotated[list[str], Meta(description="Hex, from the leaf upwards.")]


class MessageProof(Struct, frozen=True, kw_only=True):
    """Every entry of a message's life, with its proof under one checkpoint."""

    id: str
    checkpoint: Annotated[str, Meta(description="Signed note (C2SP tlog-checkpoint).")]
    size: Annotated[int, Meta(description="Entries the checkpoint vouches for.")]
    verifier: Annotated[str, Meta(description="The ledger's public key (C2SP signed note).")]
    proofs: list[InclusionProof]


class RegistryVersion(Struct, frozen=True, kw_only=True):
    """One version of a registry object. Password hashes are left out."""

    kind: str
    id: str
    version: int
    at: str
    by: str
    position: int
    item: dict[str, Any]  # Any: the six kinds have their own fields


class RegistryHistory(Struct, frozen=True):
    """Every version, oldest first."""

    versions: list[RegistryVersion]


class RegistryChange(Struct, frozen=True, kw_only=True):
    """What an import did, or would do, as kind:id."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    dry_run: bool


class ConsentRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recipient's agreement to one principal's messages."""

    principal: Name
    to: PhoneNumber
    category: Category
    wording: Annotated[str, Meta(min_length=1, max_length=64, description="Version of the wording.")]
    channel: Annotated[str, Meta(min_length=1, max_length=64)]
    given_at: Time
    expires_at: Time | None = None
    proof_hash: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 of the proof.")] = ""


class ConsentsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consents to register: all or none."""

    consents: Annotated[list[ConsentRequest], Meta(min_length=1, max_length=ROWS_MAX)]


class OptOutRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One recipient's stop."""

    to: PhoneNumber
    principal: Annotated[
        str, Meta(pattern=r"^(\*|[a-z0-9][a-z0-9._-]{0,63})$", description="*: every principal.")
    ]
    source: Annotated[str, Meta(min_length=1, max_length=64)] = "operator"
    at: Time | None = None


class OptOutsRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opt-outs to put in force: all or none."""

    opt_outs: Annotated[list[OptOutRequest], Meta(min_length=1, max_length=ROWS_MAX)]


class Recorded(Struct, frozen=True):
    """How many were new; the others were known before."""

    new: int
    known: int


class KeyRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API key to make."""

    scopes: Annotated[list[Literal["send", "read", "admin"]], Meta(min_length=1, max_length=3)]
    customer: Annotated[str, Meta(pattern=_ID, description="For send and read.")] = ""
    name: Annotated[str, Meta(max_length=100)] = ""
    expires_at: Time | None = None


class KeyInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An API key. `token` is there once: in the answer that made it."""

    id: str
    customer: str
    scopes: tuple[str, ...]
    name: str
    created_at: str
    created_by: str
    expires_at: str = ""
    revoked_at: str = ""
    token: str = ""


class KeyList(Struct, frozen=True):
    """Every key, oldest first."""

    keys: list[KeyInfo]


class WebhookSecret(Struct, frozen=True):
    """Signs what is posted to the customer's webhook. Shown once."""

    customer: str
    secret: str


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"]


class InboundQuery(Struct, frozen=True, kw_only=True):
    """Which replies."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1, description="The last id you have.")] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ImportQuery(Struct, frozen=True, kw_only=True):
    """How to import."""

    dry_run: Annotated[bool, Meta(description="Only say what would happen.")] = False


class NoQuery(Struct, frozen=True):
    """No parameters."""


def micros(time: datetime | None) -> Micros:
    """Microseconds since the epoch; 0 for None."""
    return 0 if time is None else (time - _EPOCH) // _MICROSECOND


def rfc3339(at: Micros) -> str:
    """The moment in UTC, to the microsecond; empty for 0."""
    if not at:
        return ""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
