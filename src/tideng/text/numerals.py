"""Chinese numerals as whole numbers: 三千八百, 两万五, 壹佰, 二〇二六, 3万."""

from typing import Final

DIGITS: Final = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    **{str(value): value for value in range(10)},
    "两": 2,
}
UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS: Final = {"万": 10_000, "亿": 100_000_000}
NUMERAL_MAX: Final = 32
"""Characters; longer is no number that somebody meant."""


def numeral(written: str) -> int | None:
    """The number these characters write; None when they write none (几千, 千千)."""
    if not written or len(written) > NUMERAL_MAX:
        return None
    if all(char in DIGITS for char in written):
        return int("".join(str(DIGITS[char]) for char in written))
    total = section = pending = 0
    last_unit = 1
    run = ""
    for char in written:
        if char in DIGITS:
            run += str(DIGITS[char])
            pending = int(run)
            # 一万零五 is no 一万五: what follows a nought is counted in ones.
            last_unit = 10 if run.startswith("0") else last_unit
            continue
        step = UNITS.get(char) or MYRIADS.get(char)
        if step is None:
            return None
        if char in UNITS:
            section += (pending if run else 1) * step
        else:
            section += pending
            if not section and not total:
                return None
            # 三万亿: the larger unit takes everything in front of it.
            total, section = (
                ((total + section) * step, 0) if step > total > 0 else (total + section * step, 0)
            )
        pending, run, last_unit = 0, "", step
    # 两万五 is 25,000 and 三百五 is 350: a last digit alone belongs to the unit below.
    tail = pending * last_unit // 10 if len(run) == 1 and last_unit > 10 else pending
    return total + section + tail
