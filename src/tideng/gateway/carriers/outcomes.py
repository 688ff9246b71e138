"""What became of handing a message to a carrier, and what each command_status means for the next step."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tideng.gateway.carriers.routes import ErrorClass
from tideng.gateway.wire.smpp.statuses import Status


class Outcome(StrEnum):
    """How one handing over ended."""

    ACCEPTED = "accepted"
    """Every part has a carrier id."""
    BUSY = "busy"
    """Not now; nothing that is missing was sent. `retry_after_s` says when."""
    REFUSED = "refused"
    """The carrier will not take it; `status` says why."""
    UNKNOWN = "unknown"
    """At least one part was written and not answered: maybe sent."""
    NOT_SENT = "not_sent"
    """The link was lost before anything that is missing was written."""


class Handover(Struct, frozen=True, kw_only=True):
    """How handing one message to one carrier ended. Exactly one per `Carrier.send`."""

    message: int
    carrier: str
    outcome: Outcome
    accepted: dict[int, str]
    """Part index (1 to `total_parts`) to the carrier's id, from this and earlier attempts."""
    total_parts: int
    """0 when the message could not be cut into parts."""
    coding: int = -1
    """data_coding of the parts; -1 when there are none."""
    attempt: int = 1
    status: int = 0
    """command_status of the part that decided the outcome; 0 when no answer did."""
    retry_after_s: float = 0.0
    """BUSY and NOT_SENT: do not come back before this."""
    unknown: tuple[int, ...] = ()
    """Parts that may have been sent without our having an id for them, whatever the outcome."""
    reason: str = ""
    """One sentence for people; no personal data."""

    @property
    def error(self) -> ErrorClass | None:
        """The row of `routes.RETRIES` this outcome belongs to; None when accepted."""
        if self.outcome is Outcome.ACCEPTED:
            return None
        if self.outcome is Outcome.REFUSED:
            return ErrorClass.PERMANENT
        if self.outcome is Outcome.UNKNOWN:
            return ErrorClass.UNKNOWN
        return classify(self.status) if self.status else ErrorClass.LINK


CLASSES: Final[Mapping[int, ErrorClass]] = MappingProxyType(
    {
        Status.ESME_RTHROTTLED: ErrorClass.THROTTLE,
        Status.ESME_RMSGQFUL: ErrorClass.THROTTLE,
        Status.ESME_RSYSERR: ErrorClass.TEMPORARY,
        Status.ESME_RX_T_APPN: ErrorClass.TEMPORARY,
        Status.ESME_RSERTYPUNAVAIL: ErrorClass.TEMPORARY,
        Status.ESME_RINVBNDSTS: ErrorClass.LINK,
        Status.ESME_RALYBND: ErrorClass.LINK,
        Status.ESME_RBINDFAIL: ErrorClass.LINK,
        Status.ESME_RINVPASWD: ErrorClass.LINK,
        Status.ESME_RINVSYSID: ErrorClass.LINK,
        Status.ESME_RINVSYSTYP: ErrorClass.LINK,
        # The carrier lost step with the stream: what was asked was not read.
        Status.ESME_RINVCMDLEN: ErrorClass.LINK,
    }
)
"""Every status that is not permanent. All others, vendors' included, are permanent: a carrier's own number
means something we cannot know, and asking again for good could repeat a charge or a message."""

CREDENTIALS: Final = frozenset(
    {Status.ESME_RINVPASWD, Status.ESME_RINVSYSID, Status.ESME_RINVSYSTYP, Status.ESME_RBINDFAIL}
)
"""Refusals of a bind that another try a second later will not cure, and that may run up a
lock-out counter."""


def classify(status: int) -> ErrorClass:
    """What a status other than ESME_ROK in submit_sm_resp means for the next step."""
    return CLASSES.get(status, ErrorClass.PERMANENT)
