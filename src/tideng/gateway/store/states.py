"""The states of a message, as a table: what may follow what."""

from typing import Final

NEXT: Final[dict[str, frozenset[str]]] = {
    "": frozenset({"queued", "held", "refused"}),
    "held": frozenset({"queued", "refused"}),
    "queued": frozenset({"sent", "failed", "expired", "refused"}),
    "sent": frozenset({"delivered", "failed", "expired", "unknown"}),
    "unknown": frozenset({"delivered", "failed", "expired"}),
    "delivered": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
    "refused": frozenset(),
}
"""queued: cleared, in the outbox. sent: accepted by a carrier. refused also: withdrawn before sending.

`sent` may be skipped: a report that overtakes the carrier's answer finishes a queued message
only after the answer has been booked.
"""

FINAL: Final = frozenset(state for state, after in NEXT.items() if not after)

SEVERITY: Final = {"delivered": 0, "unknown": 1, "sent": 2, "expired": 3, "failed": 4}
"""Of several parts the worst decides, once every part has a final state."""


def of_parts(states: list[str], total: int) -> str:
    """The state of a message from the reported states of its parts ("" = no report yet).

    Any part that failed or expired is enough; delivered needs every part.
    """
    known = [state for state in states if state]
    worst = max(known, key=lambda state: SEVERITY[state], default="sent")
    if worst in ("failed", "expired") or len(known) >= total:
        return worst
    return "sent"
