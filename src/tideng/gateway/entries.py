"""What the gateway writes into the ledger: one Struct per kind, versioned by the kind's number.

Personal fields appear only as commitments (HMAC-SHA-256 under a fresh key per field); their openings
are sealed in the message's row. That goes for the octets as they came, too: a plain hash of a PDU gives its
number away to whoever tries them all. Everything else is ids, versions and codes.
What earlier releases wrote is in `past_entries.py`.
Fields are declared in alphabetical order: the canonical encoding sorts keys, and then need not.
"""

from typing import Literal

from msgspec import Struct

from tideng.evidence.entries import declare


class DecisionEntry(Struct, frozen=True, kw_only=True, gc=False):
    """The verdict on one message. Checklist elements 1-10, 15 and 18 (law.md §5)."""

    action: str
    as_of: int
    """Size of the ledger when opt-outs, consents and earlier messages were read: all below it counted."""
    at: int
    """Decided at, µs UTC."""
    auth: str
    """How the customer had proved who they are: password, password+tls, api_key; none: our own message. Empty
    where an earlier release took the message in; the same for the other fields new in this version."""
    batch: str
    """Keyed hash of the whole request where it held several messages, the same for each; else empty."""
    by: str
    """"policy", "customer", or "person:<account>" when a held message was released or refused."""
    category: str
    classified_by: str
    """Who said so: customer, template, or text (our reading, which goes before what was declared)."""
    code_number: str
    codes: tuple[str, ...]
    """Finding codes, strongest first."""
    consent: int
    """Index of the consent this category needs, ended or not; -1 when none is needed or none was found."""
    counted: tuple[str, ...]
    """Frequency counters read, each "window in s:earlier messages in it:limit"."""
    customer: str
    door: str
    kind: Literal["decision/2"] = "decision/2"
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
    """Commitment to the octets that came in (the PDUs in order; the message's own JSON), in hex."""
    reader: str
    """Which judge read the text: SHA-256 over its tables, knowledge, policy and weights; empty: none."""
    reason: str
    """Commitment to what the person who decided wrote; empty when the policy decided."""
    received_at: int
    recipient: str
    """Commitment."""
    registry: tuple[str, ...]
    session: str
    signature: str
    slots: str
    """Commitment to the template's slots as JSON with sorted keys; empty when none were given."""
    software: str
    text: str
    """Commitment."""


class HandoverEntry(Struct, frozen=True, kw_only=True, gc=False):
    """What a carrier answered to our handing over one message. Checklist elements 4 and 11."""

    at: int
    attempt: int
    carrier: str
    carrier_ids: tuple[str, ...]
    coding: int
    """data_coding of its parts (SMPP 3.4 §5.2.19); -1 when it was never encoded."""
    kind: Literal["handover/2"] = "handover/2"
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
    kind: Literal["report/2"] = "report/2"
    message: str
    """Empty when it matched nothing we sent."""
    part: int
    raw: str
    """Commitment to the PDU in hex, under a key derived from the operator's secret and this report's ids."""
    received_at: int
    state: str


class ComplaintEntry(Struct, frozen=True, kw_only=True, gc=False):
    """One step in the handling of a complaint about a message. Checklist element 14."""

    at: int
    by: str
    complaint: str
    """The complaint's own number, as whoever keeps it gave it."""
    due_at: int
    """The deadline that this step sets; 0: none."""
    kind: Literal["complaint/1"] = "complaint/1"
    message: str
    step: Literal["received", "forwarded", "answered", "measure", "closed"]
    """received; forwarded to customer and principal; answered by one of them; a measure taken; closed."""
    text: str
    """Commitment to what was written at this step; empty when nothing was."""


class InboundEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A reply from a recipient. Checklist element 13."""

    at: int
    carrier: str
    code_number: str
    kind: Literal["inbound/2"] = "inbound/2"
    meaning: str
    """reply, opt_out or opt_out_all."""
    principal: str
    raw: str
    """Commitment to the PDUs in hex."""
    received_at: int
    sender: str
    """Commitment."""
    text: str
    """Commitment."""


declare(
    "decision/2",
    "A message was reviewed: send, hold or refuse, with its finding codes.",
    "一条短信已在发送前审核:放行、暂缓或拒绝,附审核发现代码。",
)
declare(
    "handover/2",
    "A carrier accepted, refused or did not answer the handing over of a message.",
    "向运营商提交短信的结果:接受、拒绝或未答复。",
)
declare(
    "complaint/1",
    "A step in the handling of a complaint: received, forwarded, answered, a measure, closed.",
    "投诉处理的一个步骤:收到、转送、答复、采取措施、结案。",
)
declare("report/2", "A carrier's delivery report.", "运营商返回的状态报告。")
declare("inbound/2", "A recipient's reply, and what it was understood to mean.", "收信人的上行回复及其含义。")


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
