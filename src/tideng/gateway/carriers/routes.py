"""Which carriers to ask for a message, in which order, and when to ask again. Pure."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tideng.gateway.messages import Micros, Outbound

SECOND: Final = 1_000_000


class Route(Struct, frozen=True, kw_only=True):
    """One way out: messages that fit may go to `carrier`. An empty field fits every message."""

    carrier: str
    """The carrier's id."""
    prefix: str = ""
    """Leading digits of the recipient's E.164 number, without '+'."""
    operator: str = ""
    """The recipient's network, as the caller of `choose` knows it."""
    category: str = ""
    """Only messages of this category, as the review saw it."""
    customer: str = ""
    """Only this customer's messages."""
    priority: int = 100
    """Lower is asked first among routes with equally long prefixes."""
    weight: int = 1
    """Share of first asks among equals. 0: only when the others cannot."""


def choose(routes: Sequence[Route], outbound: Outbound, *, operator: str = "") -> tuple[str, ...]:
    """Carriers for `outbound`, best first, each once; empty when no route fits.

    Longest prefix first, then lowest priority, then a spread by weight that depends on the message id
    alone: the same message gets the same order in every process, every time. Routes with shorter
    prefixes stay in the list as failover.
    """
    fitting = [route for route in routes if _fits(route, outbound, operator)]
    if len(fitting) == 1:
        return (fitting[0].carrier,)
    fitting.sort(key=lambda route: (-len(route.prefix), route.priority, -_score(route, outbound.id)))
    return tuple(dict.fromkeys(route.carrier for route in fitting))


def _fits(route: Route, outbound: Outbound, operator: str) -> bool:
    return (
        (not route.prefix or outbound.recipient.startswith(route.prefix))
        and (not route.customer or route.customer == outbound.customer)
        and (not route.category or route.category == outbound.category)
        and (not route.operator or route.operator == operator)
    )


def _score(route: Route, message: int) -> float:
    """Weighted rendezvous hashing: the highest of `-weight / ln(u)` wins in proportion to the weights,
    and adding or removing a carrier moves only the messages it gains or loses.
    """
    digest = hashlib.blake2b(f"{message}:{route.carrier}".encode(), digest_size=8).digest()
    u = (int.from_bytes(digest, "big") + 0.5) / 2.0**64
    if route.weight <= 0:
        return u - 2.0  # standby: below every weighted one, still spread among themselves
    return -route.weight / math.log(u) if u < 1.0 else math.inf


class ErrorClass(StrEnum):
    """What an unsuccessful handing over means for the next step."""

    TEMPORARY = "temporary"
    """This message, later or elsewhere."""
    PERMANENT = "permanent"
    """This message will be refused again."""
    THROTTLE = "throttle"
    """Any message, slower."""
    LINK = "link"
    """The link is not usable; the message was not looked at."""
    UNKNOWN = "unknown"
    """It may have been sent."""


class Retry(Struct, frozen=True):
    """When to try again after the n-th attempt of a class failed."""

    delays_s: tuple[float, ...]
    """Wait after attempt 1, 2, …; the last one repeats."""
    attempts_max: int
    """No further attempt after this many."""
    elsewhere: bool
    """True: the next carrier of the route may be asked at once. False: the same carrier must be asked,
    because only it knows what it already accepted."""


RETRIES: Final[Mapping[ErrorClass, Retry]] = MappingProxyType(
    {
        ErrorClass.TEMPORARY: Retry((10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0), 30, elsewhere=True),
        ErrorClass.PERMANENT: Retry((), 1, elsewhere=False),
        ErrorClass.THROTTLE: Retry((1.0, 2.0, 5.0, 10.0, 30.0), 10_000, elsewhere=True),
        ErrorClass.LINK: Retry((1.0, 2.0, 5.0, 15.0, 60.0), 10_000, elsewhere=True),
        ErrorClass.UNKNOWN: Retry((60.0, 300.0, 900.0), 3, elsewhere=False),
    }
)
"""Throttle and link failures cost the message nothing and end with its validity; an unknown outcome is
tried again seldom, because every try may reach the person again."""

JITTER_SHARE: Final = 0.2
"""A delay is lengthened by up to this share, by message id, so that a burst does not return as a burst."""


def expired(outbound: Outbound, now: Micros) -> bool:
    """True when the message may no longer be handed over. `valid_until` 0 means no limit."""
    return 0 < outbound.valid_until <= now


def next_attempt(
    outbound: Outbound, error: ErrorClass, *, attempt: int, now: Micros, wish_s: float = 0.0
) -> Micros | None:
    """When to hand over again after `attempt` (from 1) failed with `error`; None: give up.

    `wish_s` is what the carrier asked for, a lower bound. None also when the time would be at or after
    the message's `valid_until`.
    """
    retry = RETRIES[error]
    if attempt < 1:
        raise ValueError(f"attempt is {attempt}; the first is 1")
    if attempt >= retry.attempts_max:
        return None
    delay_s = max(wish_s, retry.delays_s[min(attempt, len(retry.delays_s)) - 1])
    jitter = (outbound.id * 2654435761 % 1000) / 1000 * JITTER_SHARE
    at = now + int(delay_s * (1 + jitter) * SECOND)
    return None if expired(outbound, at) else at
