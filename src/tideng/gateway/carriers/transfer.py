"""One message on its way to one carrier: which parts are settled, and what the whole has come to."""

from collections.abc import Callable, Mapping

from tideng.gateway.carriers.outcomes import Handover, Outcome
from tideng.gateway.wire.smpp import SubmitSm


class Part:
    """One submit_sm of a transfer; the context of the request that carries it."""

    __slots__ = ("index", "pdu", "throttled_since", "transfer")

    def __init__(self, transfer: "Transfer", index: int, pdu: SubmitSm) -> None:
        self.transfer = transfer
        self.index = index
        self.pdu = pdu
        self.throttled_since = -1.0
        """When the carrier first answered too fast; below 0: it has not."""


class Transfer:
    """Counts the parts of one message down to exactly one `Handover`.

    Every part is settled once, by one of the five methods; the last one makes the handover and tells it.
    """

    __slots__ = (
        "_accepted",
        "_attempt",
        "_carrier",
        "_coding",
        "_message",
        "_missing",
        "_on_result",
        "_outcome",
        "_reason",
        "_retry_after_s",
        "_status",
        "_total",
        "_unknown",
    )

    # The worse the outcome, the later in this order; the worst part decides. Refused is worse than unknown:
    # the message can never be complete, so sending it again could only repeat what did arrive.
    _ORDER = (Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.BUSY, Outcome.UNKNOWN, Outcome.REFUSED)

    def __init__(
        self,
        message: int,
        carrier: str,
        total: int,
        accepted: Mapping[int, str],
        attempt: int,
        on_result: Callable[[Handover], None],
        coding: int = -1,
    ) -> None:
        self._message = message
        self._carrier = carrier
        self._total = total
        self._coding = coding
        self._accepted = {index: id for index, id in accepted.items() if 1 <= index <= total}
        self._missing = total - len(self._accepted)
        self._attempt = attempt
        self._on_result = on_result
        self._outcome = Outcome.ACCEPTED
        self._status = 0
        self._reason = ""
        self._retry_after_s = 0.0
        self._unknown: list[int] = []

    @property
    def is_failing(self) -> bool:
        """A part has failed: handing over the parts that have not left would not complete the message."""
        return self._outcome is not Outcome.ACCEPTED

    def accept(self, part: Part, carrier_id: str) -> None:
        """The carrier took it."""
        self._accepted[part.index] = carrier_id
        self._settled()

    def refuse(self, status: int, reason: str) -> None:
        """The carrier will not take it, or it cannot be put on the wire."""
        self._worsen(Outcome.REFUSED, status, reason, 0.0)
        self._settled()

    def busy(self, status: int, reason: str, retry_after_s: float) -> None:
        """The carrier did not take it for now."""
        self._worsen(Outcome.BUSY, status, reason, retry_after_s)
        self._settled()

    def unknown(self, part: Part, reason: str) -> None:
        """It was written and not answered."""
        self._unknown.append(part.index)
        self._worsen(Outcome.UNKNOWN, 0, reason, 0.0)
        self._settled()

    def not_sent(self, reason: str, retry_after_s: float) -> None:
        """It was never written."""
        self._worsen(Outcome.NOT_SENT, 0, reason, retry_after_s)
        self._settled()

    def _worsen(self, outcome: Outcome, status: int, reason: str, retry_after_s: float) -> None:
        if self._ORDER.index(outcome) > self._ORDER.index(self._outcome):
            self._outcome, self._status, self._reason = outcome, status, reason
            self._retry_after_s = retry_after_s

    def _settled(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self._on_result(
                Handover(
                    message=self._message,
                    carrier=self._carrier,
                    outcome=self._outcome,
                    accepted=self._accepted,
                    total_parts=self._total,
                    coding=self._coding,
                    attempt=self._attempt,
                    status=self._status,
                    retry_after_s=self._retry_after_s,
                    unknown=tuple(self._unknown),
                    reason=self._reason,
                )
            )
