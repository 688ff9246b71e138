"""SMPP times, `YYMMDDhhmmsstnnp` (SMPP 3.4 §7.1.1): text to microseconds UTC and back. No clock here."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.statuses import Status

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_QUARTERS_MAX: Final = 48
FIRST: Final = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST: Final = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
_RELATIVE_MAX: Final = timedelta(days=99) // _MICROSECOND


def format_absolute(at: int) -> str:
    """The absolute form, in UTC, of `at` (µs since 1970), cut to tenths of a second.

    Raises OurMistake outside 2000-2099, which two digits of a year cannot tell.
    """
    if not FIRST <= at < LAST:
        raise OurMistake(f"{at} µs is outside 2000 to 2099; SMPP times have two-digit years")
    return _absolute(at // 100_000)


@lru_cache(maxsize=1024)
def _absolute(tenths: int) -> str:
    # Messages of one moment share it: every tenth of a second is written once.
    moment = EPOCH + timedelta(milliseconds=100 * tenths)
    return f"{moment:%y%m%d%H%M%S}{moment.microsecond // 100_000}00+"


def format_relative(span: int) -> str:
    """The relative form of a span in µs, rounded up to seconds: `0000` years and months, then days.

    Raises OurMistake for a negative span, or one over 99 days: longer ones need an absolute time.
    """
    if not 0 <= span <= _RELATIVE_MAX:
        raise OurMistake(f"a relative time of {span} µs; it must be 0 to 99 days. Use an absolute time")
    minutes, seconds = divmod(-(-span // 1_000_000), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02d}{hours:02d}{minutes:02d}{seconds:02d}000R"


def parse_time(text: str, now: int, *, status: int = Status.ESME_RINVSCHED) -> int:
    """`text`, absolute or relative to `now`, as µs since 1970; 0 for the empty text.

    Two-digit years are read as 2000-2099. Raises `PeerMistake` with `status` (ESME_RINVSCHED for
    schedule_delivery_time, ESME_RINVEXPIRY for validity_period) for anything else.
    """
    if not text:
        return 0
    digits, sign = text[:-1], text[-1]
    if len(text) != 16 or not (digits.isascii() and digits.isdigit()) or sign not in "+-R":
        raise _mistake("is not YYMMDDhhmmsstnn followed by +, - or R", status)
    year, month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(0, 12, 2))
    tenths, quarters = int(digits[12]), int(digits[13:15])
    if sign == "R":
        # Years and months have no fixed length; 365 and 30 days are what the networks use.
        span = timedelta(
            days=year * 365 + month * 30 + day,
            hours=hour,
            minutes=minute,
            seconds=second,
            milliseconds=100 * tenths,
        )
        return now + span // _MICROSECOND
    if quarters > _QUARTERS_MAX:
        raise _mistake(f"is {quarters} quarter hours from UTC; limit is {_QUARTERS_MAX}", status)
    try:
        local = datetime(2000 + year, month, day, hour, minute, second, tenths * 100_000, tzinfo=UTC)
    except ValueError:
        raise _mistake("is no date", status) from None
    offset = timedelta(minutes=15 * quarters)
    return (local - (offset if sign == "+" else -offset) - EPOCH) // _MICROSECOND


def _mistake(why: str, status: int) -> PeerMistake:
    return PeerMistake(f"a time {why}", status=status)
