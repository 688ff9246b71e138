"""How the simulated carrier behaves: every field a type, a unit, a default and one sentence."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from tideng.gateway.wire.smpp import Status


class Behaviour(StrEnum):
    """What happens to one submitted part."""

    INSTANT = "instant"
    """Accepted; the report follows the answer at once."""
    DELAYED = "delayed"
    """Accepted; the report comes `report_delay_s` later."""
    BEFORE = "before"
    """Accepted; the report comes before the answer."""
    MISSING = "missing"
    """Accepted; no report ever."""
    FAILING = "failing"
    """Accepted; the report, at once, says UNDELIV."""
    REFUSED = "refused"
    """Answered with `refuse_status`."""
    SILENT = "silent"
    """Taken and never answered, never reported."""


IdStyle = Literal["decimal", "hex", "hex_upper", "zero_padded"]


class SimulatorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A carrier that exists only here. The defaults accept, deliver and report everything at once."""

    host: str = "127.0.0.1"
    port: int = 2775
    """0: any free port, see `SimulatedCarrier.port`."""
    tls_certificate_file: str = ""
    """PEM; with `tls_key_file` it makes the port TLS only."""
    tls_key_file: str = ""
    system_id: str = "tideng"
    password: str = ""
    """Empty: any password is good."""
    seed: int = 1
    """The same seed and the same submits in the same order get the same behaviours."""

    behaviour: Behaviour = Behaviour.INSTANT
    """What happens unless a suffix or a share says otherwise."""
    by_suffix: dict[str, Behaviour] = {}
    """Behaviour by the recipient's last digits; the longest suffix that fits wins, before any share."""
    shares: dict[Behaviour, float] = {}
    """Share of parts, 0 to 1, that get a behaviour other than `behaviour`; the sum is at most 1."""
    refuse_status: int = Status.ESME_RINVDSTADR
    report_delay_s: float = 1.0
    answer_delay_s: float = 0.0
    """Every answer to a submit comes this late."""
    throughput_per_s: float = 0.0
    """Parts per second and account beyond which the answer is `throttle_status`; 0: no limit."""
    throttle_status: int = Status.ESME_RTHROTTLED
    disconnect_every: int = 0
    """After so many submits on a connection it is dropped, the last of them unanswered; 0: never."""
    reports_by_data_sm: bool = False
    report_tlvs: bool = True
    """Whether reports carry receipted_message_id and message_state besides the text of appendix B."""
    reports_on_other_bind: bool = False
    """Whether a report prefers another bind of the account to the one the submit came by."""
    id_style: IdStyle = "decimal"
    """How submit_sm_resp writes message ids."""
    report_id_style: IdStyle = "decimal"
    """How reports write them."""
    default_alphabet: Literal["gsm", "latin1", "ascii"] = "gsm"
    """What data_coding 0 means."""

    redeliver_s: float = 1.0
    """Wait before a report or reply that was not taken is delivered again."""
    redeliver_max: int = 5
    deliver_window: int = 100
    """Unanswered deliver_sm per connection."""
    pending_max: int = 200_000
    """Reports and replies that wait, and answers that are delayed or held; what is beyond it is dropped and
    counted."""
    connections_max: int = 1000
    """Connections at the same time; further ones are dropped."""
    received_max: int = 100_000
    """Messages remembered; the oldest are forgotten first."""
    interface_version: int = 0x34
    """0: bind_resp carries no sc_interface_version, so clients must send no TLVs."""

    def problem(self) -> str:
        """Why these settings cannot work; empty when they can."""
        total = sum(self.shares.values())
        if total > 1 or any(share < 0 for share in self.shares.values()):
            return f"simulator: shares add up to {total:g}; each must be at least 0, all together at most 1"
        if bool(self.tls_certificate_file) != bool(self.tls_key_file):
            return "simulator: tls_certificate_file and tls_key_file belong together; set both or none"
        if min(self.deliver_window, self.pending_max, self.received_max) < 1:
            return "simulator: deliver_window, pending_max and received_max must be at least 1"
        return ""


def write_id(number: int, style: IdStyle) -> str:
    """A message id in a carrier's manner."""
    if style == "hex":
        return f"{number:x}"
    if style == "hex_upper":
        return f"{number:X}"
    return f"{number:020d}" if style == "zero_padded" else str(number)
