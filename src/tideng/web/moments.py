"""A moment as pages show it: one form for machines, one for people."""

from datetime import UTC, datetime, tzinfo

from msgspec import Struct


class When(Struct, frozen=True):
    """A moment, for machines and for people."""

    iso: str
    text: str


def when(at: int, zone: tzinfo) -> When:
    """`at` (microseconds UTC) in the operator's time zone, to the second."""
    moment = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
    return When(moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S}")
