"""SMPP times: a moment, or the peer's mistake."""

from tideng.gateway.wire.smpp import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.times import format_absolute, parse_time

SEEDS = [b"261124180000032+", b"000001000000000R", b"991231235959948-", b""]
NOW = 1_795_000_000_000_000


def fuzz_one(data: bytes) -> None:
    """What is read can be written, where two digits can say its year, and reads the same."""
    try:
        at = parse_time(data.decode("latin-1"), NOW)
    except PeerMistake:
        return
    try:
        text = format_absolute(at)
    except OurMistake:
        return
    if parse_time(text, NOW) != at - at % 100_000:
        raise ValueError("a time does not come back")
