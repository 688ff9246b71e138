# mypy: disable-error-code="call-arg,return-value,arg-type,assignment,no-any-return,attr-defined"
# mypy: allow-untyped-defs, allow-untyped-calls
# Types here are numba's: what looks like int is int64, and numba infers it.
"""Numbers in a buffer of bytes, checked where they stand: compiled, without the interpreter's lock.

The buffer is in any encoding in which ASCII digits are single bytes (UTF-8, GB18030, Big5; UTF-16 narrowed by
`narrow`). Runs of at least four digits are found by looking at every fourth byte. In GB18030 the second and
fourth byte of a four-byte character are digits too: a run of two or more whose predecessor is a lead byte
behind "digit, lead" begins with the fourth byte of such a character, and no other reading of the bytes is
valid.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tideng.scan.kernels.eights import byte, digits_ahead, doubled, eight, weighted
from tideng.scan.kernels.kinds import BANK_CARD, GROUPS_MAX, MOBILE, RESIDENT_ID, RESIDENT_ID_OLD, RUN_LEAST

_u8 = NDArray[np.uint8]
_i64 = NDArray[np.int64]
_u64 = NDArray[np.uint64]
Tables = tuple[int, int, int, int]
"""Addresses of `Lookup`'s tables: regions, plan, bins, leads."""


@njit(cache=True, nogil=True, inline="always")
def _bit(bits: int, index: int) -> bool:
    return (byte(bits, index >> 3) >> (7 - (index & 7))) & 1 != 0


@njit(cache=True, nogil=True)
def _is_date(year: int, month: int, day: int) -> bool:
    if year < 1890 or year > 2027 or month < 1 or month > 12 or day < 1 or day > 31:
        return False
    if day > 30 and (month == 4 or month == 6 or month == 9 or month == 11):
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return month != 2 or day < 29 or (day == 29 and is_leap)


@njit(cache=True, nogil=True)
def _has_id_form(buf: int, at: int, regions: int) -> bool:
    """A region that ever was and a date of birth begin the 18 digits."""
    first, second = eight(buf, at), eight(buf, at + 8)
    year = first % 100 * 100 + second // 1000000
    return _is_date(year, second // 10000 % 100, second // 100 % 100) and _bit(regions, first // 100)


@njit(cache=True, nogil=True)
def _id_key(buf: int, at: int, x: bool, regions: int) -> int:
    """17 digits as a number if 18 digits (or 17 and an X) at `at` are a resident ID; 0 if not."""
    zero = np.int64(0)
    first, second = eight(buf, at), eight(buf, at + 8)
    year = first % 100 * 100 + second // 1000000
    if not _is_date(year, second // 10000 % 100, second // 100 % 100):
        return zero
    if not (_bit(regions, first // 100) or byte(buf, at) == 57):
        return zero
    last = byte(buf, at + 16) - 48
    check = (12 - (weighted(buf, at) + 2 * last) % 11) % 11
    if (not x) if check == 10 else (x or byte(buf, at + 17) - 48 != check):
        return zero
    return (first * 100000000 + second) * 10 + last


@njit(cache=True, nogil=True)
def _old_key(buf: int, at: int, regions: int) -> int:
    """The same for the 15 digits of before 1999: 17 digits, the century put in."""
    first, second = eight(buf, at), eight(buf, at + 7)
    date = second // 1000
    region, year = first // 100, 1900 + first % 100
    if not _is_date(year, date // 100 % 100, date % 100) or not _bit(regions, region):
        return np.int64(0)
    return (region * 10000 + year) * 10000000 + second % 10000000


@njit(cache=True, nogil=True)
def _card_key(buf: int, at: int, n: int, bins: int, leads: int) -> int:
    """All digits but the last of a card's number of n digits, if issuer, length and Luhn digit are right."""
    zero, key, total = np.int64(0), np.int64(0), np.int64(0)
    prefix = eight(buf, at) // 100
    # Most numbers end here, in a table that stays near the processor.
    if not _bit(leads, prefix // 100) or not byte(bins, prefix) & (1 << (n - 15)):
        return zero
    if n == 15:
        low = eight(buf, at + 7)
        for i in range(7):
            digit = byte(buf, at + i) - 48
            key = key * 10 + digit
            total += digit if i & 1 == 0 else digit * 2 - (9 if digit > 4 else 0)
        if (total + doubled(buf, at + 7)) % 10:
            return zero
        return key * 10000000 + low // 10
    tail = at + n - 16
    for i in range(n - 16):
        digit = byte(buf, at + i) - 48
        key = key * 10 + digit
        total += digit if (n - i) & 1 else digit * 2 - (9 if digit > 4 else 0)
    if (total + doubled(buf, tail) + doubled(buf, tail + 8)) % 10:
        return zero
    return (key * 100000000 + eight(buf, tail)) * 10000000 + eight(buf, tail + 8) // 10


@njit(cache=True, nogil=True)
def _mobile_key(buf: int, at: int, plan: int) -> int:
    first = eight(buf, at)
    if not _bit(plan, first // 1000):
        return np.int64(0)
    return first * 1000 + eight(buf, at + 3) % 1000


@njit(cache=True, nogil=True, inline="always")
def _is_digit(b: int) -> bool:
    # Unsigned: whatever lies below "0" wraps around to a huge number.
    return np.uint64(b) - np.uint64(48) <= np.uint64(9)


@njit(cache=True, nogil=True, inline="always")
def _is_word(b: int) -> bool:
    return 48 <= b <= 57 or 65 <= b <= 90 or 97 <= b <= 122 or b == 95


@njit(cache=True, nogil=True)
def _is_trail(buf: int, at: int) -> bool:
    """True if byte `at` (a letter by value) is the second byte of a two-byte character (GBK, Big5)."""
    leads = 0
    while at - 1 - leads >= 0 and byte(buf, at - 1 - leads) >= 0x81:
        leads += 1
    return leads & 1 == 1


@njit(cache=True, nogil=True)
def _letter_before(buf: int, at: int, wide: bool) -> bool:
    if at == 0 or not _is_word(byte(buf, at - 1)):
        return False
    return not (wide and _is_trail(buf, at - 1))


@njit(cache=True, nogil=True)
def _gather(buf: int, n: int, a: int, sign: int, froms: _i64, tos: _i64) -> tuple[int, int, int]:
    """Fill `froms` and `tos` with the groups that `sign` joins from `a` on: how many, digits, their end."""
    groups, total, at = 0, 0, a
    while groups <= GROUPS_MAX:
        froms[groups] = at
        while at < n and _is_digit(byte(buf, at)):
            at += 1
        tos[groups] = at
        total += at - froms[groups]
        groups += 1
        if sign and at + 1 < n and byte(buf, at) == sign and _is_digit(byte(buf, at + 1)):
            at += 1
        else:
            break
    return groups, total, at


@njit(cache=True, nogil=True)
def _longest(
    buf: int, n: int, froms: _i64, tos: _i64, groups: int, d: _u8, wide: bool, tables: Tables
) -> tuple[int, int, int]:
    """Kind, key and end of the longest number that begins with the first group; key 0 if there is none."""
    j, zero = groups, np.int64(0)
    while j > 0:
        digits = 0
        for g in range(j):
            digits += tos[g] - froms[g]
        if 11 <= digits <= 19 and (digits == 11 or digits == 13 or digits >= 15):
            k = 0
            for g in range(j):
                for place in range(froms[g], tos[g]):
                    d[k] = byte(buf, place)
                    k += 1
            shape = 1 if j == 1 else _shape(froms, tos, j, digits)
            kind, key, end = _kind(
                d.ctypes.data, 0, digits, shape, buf, n, froms[0], tos[j - 1], wide, tables
            )
            if key:
                return kind, key, end
        j -= 1
    return zero, zero, tos[0]


@njit(cache=True, nogil=True)
def _run(buf: int, n: int, p: int, done: int, gb: bool) -> tuple[int, int]:
    """The run of digits around `p`, without the last byte of a four-byte character of GB18030."""
    a, b = p, p + 1
    while a > done and _is_digit(byte(buf, a - 1)):
        a -= 1
    while b + 8 <= n:
        more = digits_ahead(buf, b)
        b += more
        if more < 8:
            break
    while b < n and _is_digit(byte(buf, b)):
        b += 1
    if (
        gb
        and b - a >= 2
        and a >= 3
        and byte(buf, a - 1) >= 0x81
        and _is_digit(byte(buf, a - 2))
        and byte(buf, a - 3) >= 0x81
    ):
        a += 1
    return a, b


@njit(cache=True, nogil=True)
def _joined(buf: int, n: int, a: int, b: int, done: int) -> tuple[int, int]:
    """Where the groups begin that a sign joins with the run a … b-1, and that sign; 0 if it stands alone."""
    if a - 2 >= done and (byte(buf, a - 1) == 45 or byte(buf, a - 1) == 32) and _is_digit(byte(buf, a - 2)):
        sign: int = byte(buf, a - 1)
        while a - 2 >= done and byte(buf, a - 1) == sign and _is_digit(byte(buf, a - 2)):
            a -= 2
            while a - 1 >= done and _is_digit(byte(buf, a - 1)):
                a -= 1
        return a, np.int64(sign)
    if b + 1 < n and (byte(buf, b) == 45 or byte(buf, b) == 32) and _is_digit(byte(buf, b + 1)):
        return a, byte(buf, b)
    return a, np.int64(0)


@njit(cache=True, nogil=True)
def _find(buf, n, wide, gb, tables, starts, ends, kinds, keys):
    size, found = len(starts), 0
    d = np.zeros(24, np.uint8)
    froms, tos = np.zeros(GROUPS_MAX + 1, np.int64), np.zeros(GROUPS_MAX + 1, np.int64)
    p, done = RUN_LEAST - 1, 0
    while p < n:
        if not _is_digit(byte(buf, p)):
            p += RUN_LEAST
            continue
        a, b = _run(buf, n, p, done, gb)
        a, sign = _joined(buf, n, a, b, done)
        kind, key, end, digits = np.int64(0), np.int64(0), b, b - a
        if sign == 0:
            # One run: what almost all numbers are. Read where it stands.
            done = b
            if digits == 11 or digits == 13 or 15 <= digits <= 19:
                kind, key, end = _kind(buf, a, digits, 1, buf, n, a, b, wide, tables)
        else:
            groups, digits, at = _gather(buf, n, a, sign, froms, tos)
            if digits < 11:
                # Too few for anything; the last group may belong to what follows with another sign.
                done = at if groups == 1 else froms[groups - 1]
                p = at + RUN_LEAST - 1
                continue
            done = tos[0]
            kind, key, end = _longest(buf, n, froms, tos, min(groups, GROUPS_MAX), d, wide, tables)
        if key:
            if found < size:
                starts[found], ends[found], kinds[found], keys[found] = a, end, kind, key
            found += 1
            done = end
        p = done + RUN_LEAST - 1
    return found


@njit(cache=True, nogil=True)
def find_digits(buf, wide, gb, regions, plan, bins, leads, starts, ends, kinds, keys):
    """Fill the arrays with every checked number in `buf`; how many there were.

    If they are more than fit, call again with larger arrays: starts, ends (int64), kinds (uint8), keys
    (uint64). `wide`: bytes of 0x81 and more lead two-byte characters; `gb`: four-byte characters occur too.
    """
    # Addresses: numba counts references to every array that it passes on, and numbers are cheaper.
    tables = (regions.ctypes.data, plan.ctypes.data, bins.ctypes.data, leads.ctypes.data)
    return _find(buf.ctypes.data, len(buf), wide, gb, tables, starts, ends, kinds, keys)


@njit(cache=True, nogil=True)
def _is_fenced(buf: int, n: int, a: int, b: int, wide: bool) -> bool:
    """True if letters or a decimal point make what stands at a … b-1 a part of something longer."""
    if _letter_before(buf, a, wide):
        return True
    if a > 1 and byte(buf, a - 1) == 46 and _is_digit(byte(buf, a - 2)):
        return True
    return b + 1 < n and byte(buf, b) == 46 and _is_digit(byte(buf, b + 1))


@njit(cache=True, nogil=True)
def _kind(
    digits: int,
    at: int,
    n: int,
    shape: int,
    buf: int,
    size: int,
    a: int,
    b: int,
    wide: bool,
    tables: Tables,
) -> tuple[int, int, int]:
    """Kind, key and end of the number whose n digits stand in `digits` at `at`, and in `buf` from a to b.

    `shape`: 1 one run, 2 the groups of a mobile number, 3 those behind 86, 4 fours, 0 other groups.
    """
    zero = np.int64(0)
    regions, plan, bins, leads = tables
    after = byte(buf, b) if b < size else np.int64(0)
    is_x = n == 17 and (after == 88 or after == 120)
    if b + is_x < size and _is_word(byte(buf, b + is_x)):
        return zero, zero, b
    if n == 18 or is_x:
        key = _id_key(digits, at, is_x, regions)
        if key:
            return RESIDENT_ID, key, b + is_x
    if is_x or _is_fenced(buf, size, a, b, wide):
        return zero, zero, b
    if n == 11:
        return MOBILE, _mobile_key(digits, at, plan) if shape == 1 or shape == 2 else zero, b
    if n == 13:
        is_ours = byte(digits, at) == 56 and byte(digits, at + 1) == 54 and (shape == 1 or shape == 3)
        return MOBILE, _mobile_key(digits, at + 2, plan) if is_ours else zero, b
    if shape == 1 or shape == 4:
        key = _card_key(digits, at, n, bins, leads)
        if key and not (n == 18 and _has_id_form(digits, at, regions)):
            return BANK_CARD, key, b
        if n == 15 and shape == 1:
            return RESIDENT_ID_OLD, _old_key(digits, at, regions), b
    return zero, zero, b


@njit(cache=True, nogil=True)
def _shape(froms: _i64, tos: _i64, j: int, n: int) -> int:
    first = tos[0] - froms[0]
    if n == 11:
        return 2 if j == 3 and first == 3 and tos[1] - froms[1] == 4 else 0
    if n == 13:
        fours = j == 4 and tos[1] - froms[1] == 3 and tos[2] - froms[2] == 4
        return 3 if first == 2 and (j == 2 or fours) else 0
    for g in range(j - 1):
        if tos[g] - froms[g] != 4:
            return 0
    return 4 if tos[j - 1] - froms[j - 1] <= 4 else 0


@njit(cache=True, nogil=True)
def find_emails(buf: _u8, starts: _i64, ends: _i64, keys: _u64) -> int:
    """Fill the arrays with every mail address; the key is a 60-bit FNV-1a of it in lower case."""
    n, size, found, done = len(buf), len(starts), 0, 0
    for p in range(n):
        if buf[p] != 64:
            continue
        a = p
        while a > done and p - a < 64 and (_is_word(buf[a - 1]) or buf[a - 1] in (45, 46, 43, 37)):
            a -= 1
        while a < p and not (_is_word(buf[a]) and buf[a] != 95):
            a += 1
        b, dot = p + 1, 0
        while b < n and b - p < 255 and ((_is_word(buf[b]) and buf[b] != 95) or buf[b] == 45 or buf[b] == 46):
            if buf[b] == 46:
                if b == dot + 1 or not (b + 1 < n and (_is_word(buf[b + 1]) and buf[b + 1] != 95)):
                    break
                dot = b
            b += 1
        if a == p or dot == 0 or b - dot - 1 < 2 or b - dot - 1 > 18 or _is_digit(buf[dot + 1]):
            continue
        h = np.uint64(14695981039346656037)
        for i in range(a, b):
            c = buf[i]
            if 65 <= c <= 90:
                c += 32
            h = (h ^ np.uint64(c)) * np.uint64(1099511628211)
        if found < size:
            starts[found], ends[found], keys[found] = a, b, h >> np.uint64(4)
        found += 1
        done = b
    return found


def narrow(data: bytes, big_endian: bool) -> _u8:
    """UTF-16 as one byte per unit: ASCII as it is, everything else 0xFF. Offsets are then in units."""
    units = np.frombuffer(data[: len(data) // 2 * 2], ">u2" if big_endian else "<u2")
    return np.where(units < 128, units, 255).astype(np.uint8)
