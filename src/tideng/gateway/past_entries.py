"""Entries as earlier releases wrote them. Nobody writes these any more; every ledger keeps those it has."""

from typing import Final, Literal

import msgspec
from msgspec import Struct, structs

from tideng.evidence.entries import declare
from tideng.gateway.entries import DecisionEntry


class FirstDecisionEntry(Struct, frozen=True, kw_only=True, gc=False):
    """The verdict on one message. Checklist elements 1-10, 15 and 18 (law.md §5)."""

    action: str
    at: int
    """Decided at, µs UTC."""
    by: str
    """"policy", or "person:<account>" when a held message was released or refused."""
    category: str
    code_number: str
    codes: tuple[str, ...]
    """Finding codes, strongest first."""
    customer: str
    door: str
    kind: Literal["decision/1"] = "decision/1"
    message: str
    """Decimal digits: JSON readers elsewhere lose bits above 2^53."""
    not_before: int
    part_ids: tuple[str, ...]
    peer: str
    policy: str
    previous: int
    """Index of the decision this one replaces; -1 when it is the first."""
    principal: str
    raw: str
    """SHA-256 hex of the PDU or body."""
    received_at: int
    recipient: str
    """Commitment."""
    registry: tuple[str, ...]
    session: str
    signature: str
    software: str
    text: str
    """Commitment."""


class FirstHandoverEntry(Struct, frozen=True, kw_only=True, gc=False):
    """What a carrier answered to our handing over one message. Checklist element 11."""

    at: int
    attempt: int
    carrier: str
    carrier_ids: tuple[str, ...]
    kind: Literal["handover/1"] = "handover/1"
    maybe_sent: bool
    """True: an earlier attempt may also have reached the recipient."""
    message: str
    outcome: str
    """accepted, refused, unknown, expired or withdrawn."""
    parts: int
    status: int
    """The carrier's command_status; 0 when accepted."""


class FirstReportEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery report as the carrier gave it. Checklist element 12."""

    at: int
    carrier: str
    carrier_id: str
    error: str
    kind: Literal["report/1"] = "report/1"
    message: str
    """Empty when it matched nothing we sent."""
    part: int
    raw: str
    state: str


class FirstInboundEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A reply from a recipient. Checklist element 13."""

    at: int
    carrier: str
    code_number: str
    kind: Literal["inbound/1"] = "inbound/1"
    meaning: str
    """reply, opt_out or opt_out_all."""
    principal: str
    raw: str
    received_at: int
    sender: str
    """Commitment."""
    text: str
    """Commitment."""


declare(
    "decision/1",
    "A message was reviewed: send, hold or refuse, with its finding codes.",
    "一条短信已在发送前审核:放行、暂缓或拒绝,附审核发现代码。",
)
declare(
    "handover/1",
    "A carrier accepted, refused or did not answer the handing over of a message.",
    "向运营商提交短信的结果:接受、拒绝或未答复。",
)
declare("report/1", "A carrier's delivery report.", "运营商返回的状态报告。")
declare("inbound/1", "A recipient's reply, and what it was understood to mean.", "收信人的上行回复及其含义。")

Decision = DecisionEntry | FirstDecisionEntry
"""Either allows a message to go out: a queue outlives an upgrade."""
_KINDS: Final[dict[str, msgspec.json.Decoder[Decision]]] = {
    "decision/1": msgspec.json.Decoder(FirstDecisionEntry),
    "decision/2": msgspec.json.Decoder(DecisionEntry),
}


class _Kind(Struct, frozen=True, gc=False):
    kind: str


_kind: Final = msgspec.json.Decoder(_Kind)


def decision_in(leaf: bytes) -> Decision:
    """The decision in a leaf, of whichever release. Raises `msgspec.DecodeError` for anything else."""
    decoder = _KINDS.get(_kind.decode(leaf).kind)
    if decoder is None:
        raise msgspec.ValidationError("the leaf holds no decision")
    return decoder.decode(leaf)


def as_current(decision: Decision) -> DecisionEntry:
    """What a later decision on the same message begins with; unknown fields say so.

    The octets' plain hash is left behind: the entry that holds it is named by `previous`.
    """
    if isinstance(decision, DecisionEntry):
        return decision
    known = {name: value for name, value in structs.asdict(decision).items() if name not in ("kind", "raw")}
    return DecisionEntry(
        as_of=0,
        auth="",
        batch="",
        classified_by="",
        consent=-1,
        counted=(),
        raw="",
        reader="",
        reason="",
        slots="",
        **known,
    )
