"""What the gateway writes into the ledger: one Struct per kind, versioned by the kind's number.

Personal fields appear only as commitments (HMAC-SHA-256 under a fresh key per field); their openings
are sealed in the message's row. Everything else is ids, versions, codes and hashes.
Fields are declared in alphabetical order: the canonical encoding sorts keys, and then need not.
"""

from typing import Literal

from msgspec import Struct

from tideng.evidence.entries import declare


class DecisionEntry(Struct, frozen=True, kw_only=True, gc=False):
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


class HandoverEntry(Struct, frozen=True, kw_only=True, gc=False):
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


class ReportEntry(Struct, frozen=True, kw_only=True, gc=False):
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


class InboundEntry(Struct, frozen=True, kw_only=True, gc=False):
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


class ConsoleEntry(Struct, frozen=True, kw_only=True, gc=False):
    """Something a person did at the console: signed in or out, failed to, or looked at personal data."""

    about: str
    """Which object, by its id; empty when none."""
    account: str
    address: str
    """IP address."""
    at: int
    did: str
    kind: Literal["console/1"] = "console/1"


declare(
    "console/1",
    "A person signed in or out at the console, or looked at personal data.",
    "人员登录、退出控制台或查看个人信息。",
)
