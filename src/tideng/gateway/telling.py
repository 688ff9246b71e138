"""When a customer is told about a message, as its registered_delivery asks (SMPP 3.4 §5.2.17)."""

from tideng.gateway.ids import MessageIds
from tideng.gateway.messages import Micros, Outbound
from tideng.gateway.store.mailbox import NewMail

_FINAL_ALL = 1
_FINAL_FAILURES = 2
_FINAL_SUCCESSES = 3  # SMPP 5.0


def is_told(registered_delivery: int, state: str) -> bool:
    """Whether a message in `state` is reported. "held" is intermediate and told unless nothing was asked."""
    asked = registered_delivery & 0x03
    if state == "held":
        return asked != 0 or bool(registered_delivery & 0x10)
    if asked == _FINAL_ALL:
        return True
    if asked == _FINAL_FAILURES:
        return state != "delivered"
    return asked == _FINAL_SUCCESSES and state == "delivered"


def report_mail(
    ids: MessageIds, outbound: Outbound, subject: str, state: str, error: str, at: Micros
) -> NewMail | None:
    """The letter for this state, or None when the customer did not ask for it."""
    if not is_told(outbound.registered_delivery, state):
        return None
    return NewMail(
        id=ids.next(),
        customer=outbound.customer,
        kind="report",
        message=outbound.id,
        state=state,
        error=error,
        at=at,
        subject=subject,
    )
