"""One message with all that the context rules look at."""

from msgspec import Struct

from tideng.gateway.messages import Micros, Submission
from tideng.gateway.registry.values import Template
from tideng.gateway.review.policy import SECOND, Policy
from tideng.gateway.review.reading import Reading
from tideng.gateway.review.standing import Standing
from tideng.gateway.review.values import Facts, Finding, RecentMessage
from tideng.identifiers.phone import Number


class Situation(Struct, frozen=True, gc=False):
    """What is known about one message when its context rules run."""

    submission: Submission
    reading: Reading
    judged: tuple[Finding, ...]
    """What the judge of texts warns of."""
    standing: Standing
    templates: tuple[Template, ...]
    """The customer's active ones; read only when the message or the customer asks for it."""
    category: str
    number: Number | None
    number_problem: str
    """Why the recipient is not a number; never quotes it."""
    facts: Facts
    recent: tuple[RecentMessage, ...]
    """`facts.recent` and the earlier messages of this batch to the same recipient."""
    policy: Policy
    now: Micros
    starts_at: Micros
    """The later of now and the customer's own not_before."""
    sends_at: Micros
    """`starts_at`, moved to the end of the recipient's quiet hours."""


def consent_read(at: Situation) -> tuple[str, str, Micros, str, int] | None:
    """The recipient's consent to this principal and category, as `Facts.consents` has it, ended or not; of
    several the one that lasts longest. None where there is none, or the category needs none.
    """
    if at.category not in at.policy.parameters.consent_categories:
        return None
    about = (at.standing.principal_id, at.category)
    found = [one for one in at.facts.consents if one[:2] == about]
    return max(found, key=lambda one: (not one[2], one[2]), default=None)


def counters(at: Situation) -> list[tuple[int, int, int]]:
    """Of each frequency cap: its window in s, how many earlier messages lie in it, and the limit."""
    return [
        (
            cap.window_s,
            sum(
                one.at > at.now - cap.window_s * SECOND
                and one.principal == at.standing.principal_id
                and one.category == at.category
                for one in at.recent
            ),
            cap.count,
        )
        for cap in at.policy.caps.get(at.category, ())
    ]
