"""The objects of the registry. Each is one frozen version; a change makes the next version.

Dates are `YYYY-MM-DD` in the registry's time zone (settings: `registry_time_zone`), both ends inclusive;
an empty date means no limit. Ids are short ASCII names chosen by the operator (`[a-z0-9][a-z0-9._-]{0,63}`).
"""

from typing import Literal

from msgspec import Struct

CATEGORIES = (
    "verification",
    "notice",
    "commercial",
    "debt",
    "finance",
    "welfare",
    "political",
    "personal",
)
"""The glossary's message categories."""

Category = Literal[
    "verification", "notice", "commercial", "debt", "finance", "welfare", "political", "personal"
]
Status = Literal["active", "suspended", "closed"]


class Licence(Struct, frozen=True, kw_only=True):
    """A telecoms value-added licence or business qualification (电信条例 art. 7)."""

    number: str
    valid_from: str = ""
    valid_until: str = ""


class SmppAccess(Struct, frozen=True, kw_only=True):
    """How a customer may bind. `password_hash` is argon2id; the password itself is never kept."""

    system_id: str
    password_hash: str
    allow: tuple[str, ...] = ()
    """CIDR networks; empty means any address."""
    binds_max: int = 4
    window: int = 100
    default_alphabet: Literal["gsm", "ascii", "latin1", "utf8"] = "gsm"
    """What this customer means by data_coding 0."""
    refusals: Literal["coded", "standard"] = "coded"
    """How a refused submit is answered: by our statuses 0x0400-0x04FF with the finding codes in a TLV, or by
    the specification's statuses alone, for clients that stumble over either."""


class Customer(Struct, frozen=True, kw_only=True):
    """内容提供者: who decides what the SMS says and asks us to send it."""

    id: str
    name: str
    credit_code: str = ""
    """Unified social credit code, GB 32100."""
    status: Status = "active"
    licence: Licence | None = None
    categories: tuple[Category, ...] = ("notice", "verification")
    smpp: SmppAccess | None = None
    throughput_per_s: int = 1000
    default_code_number: str = ""
    default_signature: str = ""
    """Put before a text that has none, before review: what is reviewed is what is sent."""
    links: tuple[str, ...] = ()
    """Host names whose links may appear, sub-domains included."""
    callbacks: tuple[str, ...] = ()
    """Call-back numbers that may appear in texts."""
    templates_required: bool = False
    webhook: str = ""
    """https address for reports and inbound; empty: by SMPP bind only."""


class Principal(Struct, frozen=True, kw_only=True):
    """委托方: on whose behalf a text speaks."""

    id: str
    name: str
    credit_code: str = ""
    status: Status = "active"


class Signature(Struct, frozen=True, kw_only=True):
    """签名: the brand in 【】, and whose it is. `id` is the text between the brackets."""

    id: str
    principal: str
    valid_from: str = ""
    valid_until: str = ""
    status: Status = "active"


class Hop(Struct, frozen=True, kw_only=True):
    """转售环节: one company between principal and customer, and the contract that brought it in."""

    name: str
    credit_code: str = ""
    document_hash: str = ""
    """SHA-256 hex of the contract."""


class Mandate(Struct, frozen=True, kw_only=True):
    """委托书: proof that the principal asked the customer. `document_hash` is SHA-256 hex of the paper."""

    id: str
    principal: str
    customer: str
    signatures: tuple[str, ...] = ()
    """Empty: every signature of the principal."""
    categories: tuple[Category, ...] = ()
    """Empty: every category but debt, which must be named."""
    valid_from: str = ""
    valid_until: str = ""
    document_hash: str = ""
    via: tuple[Hop, ...] = ()
    """Everyone between the two, nearest the principal first; empty: it asked the customer itself."""
    status: Status = "active"


class Slot(Struct, frozen=True, kw_only=True):
    """变量: one replaceable part of a template."""

    name: str
    type: Literal["digits", "code", "amount", "date", "time", "name", "text"] = "text"
    length_max: int = 20


class Template(Struct, frozen=True, kw_only=True):
    """模板: approved wording. `body` writes a slot as `{name}`."""

    id: str
    customer: str
    body: str
    category: Category
    signature: str = ""
    """Empty: any signature the customer may use."""
    slots: tuple[Slot, ...] = ()
    status: Status = "active"


class NumberBinding(Struct, frozen=True, kw_only=True):
    """One customer's right to show a code number. Renting a port onwards is forbidden (反电诈法 31)."""

    customer: str
    valid_from: str = ""
    valid_until: str = ""


class CodeNumber(Struct, frozen=True, kw_only=True):
    """码号 and who holds it. `id` is the number in digits; extensions begin with it."""

    id: str
    holder: str
    """Name or id of the number holder."""
    held_until: str = ""
    bindings: tuple[NumberBinding, ...] = ()
    status: Status = "active"


class Consent(Struct, frozen=True, kw_only=True):
    """同意: this recipient agreed to this principal's messages (Order 74 art. 21; PIPL 13-15).

    `recipient` is the subject: the keyed hash of the number, never the number itself.
    """

    principal: str
    recipient: str
    category: Category
    wording: str
    """Version of the wording agreed to."""
    channel: str
    given_at: int
    """Microseconds since the epoch, UTC."""
    expires_at: int = 0
    proof_hash: str = ""


class OptOut(Struct, frozen=True, kw_only=True):
    """退订: this recipient said stop. `principal` "*" means every principal."""

    principal: str
    recipient: str
    at: int
    source: str = ""
    """inbound, complaint, operator …"""


RegistryObject = Customer | Principal | Signature | Mandate | Template | CodeNumber
