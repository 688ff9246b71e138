"""What is configured for one carrier: every field a type, a unit, a default and one sentence."""

from typing import Literal

from msgspec import Struct


class CarrierSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One carrier's connection, dialect and limits."""

    id: str
    """Our name for it; appears in routes, entries and the console."""
    host: str
    """Name or address of the carrier's message centre."""
    port: int = 2775
    """TCP port there, 1 to 65 535."""
    system_id: str
    """At most 15 octets (SMPP 3.4 §5.2.1)."""
    password: str = ""
    """At most 8 octets (§5.2.2); never logged."""
    system_type: str = ""
    """At most 12 octets (§5.2.3)."""

    tls: bool = False
    """Speak TLS from the first octet."""
    tls_ca_file: str = ""
    """PEM file of the authorities to trust; empty: the system's."""
    tls_server_name: str = ""
    """Name the certificate must carry; empty: `host`."""

    bind: Literal["transceiver", "pair"] = "transceiver"
    """"pair": each link is a transmitter and a receiver bind."""
    links: int = 1
    """Connections (or pairs of them) held at the same time, 1 to 64."""
    window: int = 100
    """Unanswered submits per connection, 1 to 10 000 (§2.5.2 has no limit, only "about 10")."""
    throughput_per_s: float = 0
    """Segments per second over all links; 0: no limit of ours."""
    unacked_max: int = 1000
    """Reports and replies per connection handed to the gateway and not yet acknowledged; beyond it we stop
    reading that connection."""

    default_alphabet: Literal["gsm", "latin1", "ascii"] = "gsm"
    """What data_coding 0 means there."""
    ucs2_byte_order: Literal["big", "little"] = "big"
    """Big is the standard; "little" for carriers that got it wrong."""
    long_messages: Literal["udh", "sar", "payload"] = "udh"
    """How texts longer than one segment travel (§5.2.12; sar_* TLVs; message_payload)."""
    reference_bits: Literal[8, 16] = 8
    """Width of the concatenation reference; 16 repeats later, but costs one octet per part."""
    parts_max: int = 20
    """Longer texts are refused before the first part is sent."""
    id_matching: tuple[Literal["case", "zeros", "base"], ...] = ("case",)
    """How ids in reports may differ from those in submit_sm_resp, besides being exactly equal: in case, in
    leading zeros, or hexadecimal here and decimal there."""
    reports: Literal["asked", "always", "never"] = "asked"
    """Whether to request delivery reports: as the customer asked, for every message, or not at all."""
    validity: Literal["absolute", "none"] = "absolute"
    """Whether to tell the carrier until when a message is worth delivering (§5.2.16)."""

    service_type: str = ""
    """At most 5 octets (§5.2.11)."""
    source_ton: int = 0
    """0 unknown, 1 international, 2 national, 3 network specific, 5 alphanumeric (§5.2.5)."""
    source_npi: int = 0
    """0 unknown, 1 E.164 (§5.2.6)."""
    dest_ton: int = 1
    """Of the recipient: as `source_ton`."""
    dest_npi: int = 1
    """Of the recipient: as `source_npi`."""
    address_range: str = ""
    """Sent in a receiver's or transceiver's bind (§5.2.7)."""
    interface_version: int = 0x34
    """What we say in the bind (§5.2.4): 52 is 0x34, SMPP 3.4; 80 is 0x50, SMPP 5.0."""

    connect_timeout_s: float = 10.0
    """TCP and TLS together."""
    bind_timeout_s: float = 10.0
    """From connected to bind_resp; the session_init timer seen from our side (§2.9)."""
    response_timeout_s: float = 30.0
    """A submit unanswered this long is unknown: maybe sent."""
    enquire_link_s: float = 30.0
    """Silence after which we ask whether the peer is there; unanswered for `response_timeout_s`, we leave."""
    reconnect_min_s: float = 1.0
    """First wait after a lost or refused link; doubles, with jitter."""
    reconnect_max_s: float = 60.0
    """Longest wait; at once after a refused password or name, so that no lock-out counter runs up."""
    close_timeout_s: float = 10.0
    """How long `close` waits for outstanding answers and unbind_resp before it drops the connection."""
    throttled_max_s: float = 60.0
    """A part throttled for this long goes back to the dispatcher, which may know another carrier."""
    retry_after_s: float = 10.0
    """When to try again after a temporary refusal, since SMPP carries no such wish."""

    def problem(self) -> str:
        """Why these settings cannot work, naming field, value and limit; empty when they can."""
        ranges = (
            ("port", self.port, 1, 65_535),
            ("links", self.links, 1, 64),
            ("window", self.window, 1, 10_000),
            ("unacked_max", self.unacked_max, 1, 100_000),
            ("parts_max", self.parts_max, 1, 255),
            ("throughput_per_s", self.throughput_per_s, 0, 1_000_000),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                return f"carrier {self.id}: {name} is {value}; it must be {low} to {high}"
        texts = (
            ("system_id", self.system_id, 15),
            ("password", self.password, 8),
            ("system_type", self.system_type, 12),
            ("service_type", self.service_type, 5),
            ("address_range", self.address_range, 40),
        )
        for name, text, limit in texts:
            if not text.isascii() or len(text) > limit:
                return f"carrier {self.id}: {name} has {len(text)} characters; limit is {limit}, ASCII only"
        if not 0 < self.reconnect_min_s <= self.reconnect_max_s:
            return (
                f"carrier {self.id}: reconnect_min_s is {self.reconnect_min_s}; "
                f"it must be above 0 and at most reconnect_max_s, {self.reconnect_max_s}"
            )
        return ""
