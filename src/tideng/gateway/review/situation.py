"""One message with all that the context rules look at."""

from msgspec import Struct

from tideng.gateway.messages import Micros, Submission
from tideng.gateway.registry.values import Template
from tideng.gateway.review.policy import Policy
from tideng.gateway.review.reading import Reading
from tideng.gateway.review.standing import Standing
from tideng.gateway.review.values import Facts, RecentMessage
from tideng.identifiers.phone import Number


class Situation(Struct, frozen=True, gc=False):
    """What is known about one message when its context rules run."""

    submission: Submission
    reading: Reading
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
