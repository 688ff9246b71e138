"""Numbers in a buffer of bytes, checked where they stand: compiled, without the interpreter's lock.

The buffer is in any encoding in which ASCII digits are single bytes (UTF-8, GB18030, Big5; UTF-16 narrowed by
`narrow`). Runs of at least four digits are found by looking at every fourth byte. In GB18030 the second and fourth
byte of a four-byte character are digits too: a run of two or more whose predecessor is a lead byte behind
"digit, lead" begins with the fourth byte of such a character, and no other reading of the bytes is valid.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tideng.scan.kernels.kinds import BANK_CARD, GROUPS_MAX, MOBILE, RESIDENT_ID, RESIDENT_ID_OLD, RUN_LEAST

_u8 = NDArray[np.uint8]
_i64 = NDArray[np.int64]
_u64 = NDArray[np.uint64]


@njit(cache=True, nogil=True, inline="always")
def _bit(bits: _u8, index: int) -> bool:
    return (bits[index >> 3] >> np.uint8(7 - (index & 7))) & np.uint8(1) != 0


@njit(cache=True, nogil=True)
def _region(d: _u8) -> int:
    region = 0
    for i in range(6):
        region = region * 10 + d[i]
    return region


@njit(cache=True, nogil=True)
def _has_form(d: _u8, old: bool, regions: _u8) -> bool:
    """Region and date of birth are possible."""
    if old:
        year, at = 1900 + d[6] * 10 + d[7], 8
    else:
        year, at = d[6] * 1000 + d[7] * 100 + d[8] * 10 + d[9], 10
    month, day = d[at] * 10 + d[at + 1], d[at + 2] * 10 + d[at + 3]
    if year < 1890 or year > 2027 or month < 1 or month > 12 or day < 1 or day > 31:
        return False
    if day > 30 and (month == 4 or month == 6 or month == 9 or month == 11):
        return False
    if month == 2 and (
        day > 29 or (day == 29 and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)))
    ):
        return False
    return _bit(regions, _region(d))


@njit(cache=True, nogil=True)
def _has_form_abroad(d: _u8) -> bool:
    """A foreigner's card: no region, but a date."""
    year, month, day = d[6] * 1000 + d[7] * 100 + d[8] * 10 + d[9], d[10] * 10 + d[11], d[12] * 10 + d[13]
    if year < 1890 or year > 2027 or month < 1 or month > 12 or day < 1 or day > 31:
        return False
    if day > 30 and (month == 4 or month == 6 or month == 9 or month == 11):
        return False
    return not (
        month == 2
        and (day > 29 or (day == 29 and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))))
    )


@njit(cache=True, nogil=True)
def _id_key(d: _u8, x: bool, old: bool, regions: _u8) -> int:
    """17 digits as a number if d (18 digits, or 17 and an X; or 15) is a resident ID; 0 if not."""
    if not _has_form(d, old, regions) and not (d[0] == 9 and not old and _has_form_abroad(d)):
        return 0
    region = _region(d)
    if old:
        key = region * 100 + 19
        for i in range(6, 15):
            key = key * 10 + d[i]
        return key
    total, weight, key = 0, 1, 0
    for i in range(17):
        key = key * 10 + d[i]
    for i in range(16, -1, -1):
        weight = weight * 2 % 11
        total += d[i] * weight
    check = (12 - total % 11) % 11
    if check == 10:
        return key if x else 0
    return key if not x and d[17] == check else 0


@njit(cache=True, nogil=True)
def _card_key(d: _u8, n: int, bins: _u8) -> int:
    total = 0
    for i in range(n):
        digit = int(d[n - 1 - i])
        if i & 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    if total % 10:
        return 0
    prefix, key = 0, 0
    for i in range(6):
        prefix = prefix * 10 + d[i]
    for i in range(n - 1):
        key = key * 10 + d[i]
    return key if bins[prefix] & (1 << (n - 15)) else 0


@njit(cache=True, nogil=True)
def _mobile_key(d: _u8, at: int, plan: _u8) -> int:
    five, key = 0, 0
    for i in range(at, at + 5):
        five = five * 10 + d[i]
    if not _bit(plan, five):
        return 0
    for i in range(at, at + 11):
        key = key * 10 + d[i]
    return key


@njit(cache=True, nogil=True, inline="always")
def _is_digit(b: int) -> bool:
    # uint8 minus uint8 is unsigned in numba: whatever lies below "0" wraps around to a huge number.
    return (np.uint8(b) - np.uint8(48)) <= np.uint8(9)


@njit(cache=True, nogil=True, inline="always")
def _is_word(b: int) -> bool:
    return 48 <= b <= 57 or 65 <= b <= 90 or 97 <= b <= 122 or b == 95


@njit(cache=True, nogil=True)
def _is_trail(buf: _u8, at: int) -> bool:
    """True if byte `at` (a letter by value) is the second byte of a two-byte character (GBK, Big5)."""
    leads = 0
    while at - 1 - leads >= 0 and buf[at - 1 - leads] >= 0x81:
        leads += 1
    return leads & 1 == 1


@njit(cache=True, nogil=True)
def _letter_before(buf: _u8, at: int, wide: bool) -> bool:
    if at == 0 or not _is_word(buf[at - 1]):
        return False
    return not (wide and _is_trail(buf, at - 1))


@njit(cache=True, nogil=True)
def find_digits(
    buf: _u8, wide: bool, gb: bool, regions: _u8, plan: _u8, bins: _u8,
    starts: _i64, ends: _i64, kinds: _u8, keys: _u64,
) -> int:  # fmt: skip
    """Fill the arrays with every checked number in `buf`; how many there were (more than fit: call again larger).

    `wide`: bytes of 0x81 and more lead two-byte characters; `gb`: four-byte characters occur too.
    """
    n, size, found = len(buf), len(starts), 0
    d = np.zeros(24, np.uint8)
    froms, tos = np.zeros(GROUPS_MAX + 1, np.int64), np.zeros(GROUPS_MAX + 1, np.int64)
    p, done = RUN_LEAST - 1, 0
    while p < n:
        if not _is_digit(buf[p]):
            p += RUN_LEAST
            continue
        a = p
        while a > done and _is_digit(buf[a - 1]):
            a -= 1
        b = p + 1
        while b < n and _is_digit(buf[b]):
            b += 1
        if (
            gb
            and b - a >= 2
            and a >= 3
            and buf[a - 1] >= 0x81
            and _is_digit(buf[a - 2])
            and buf[a - 3] >= 0x81
        ):
            a += 1
        sign = 0
        if a - 2 >= done and (buf[a - 1] == 45 or buf[a - 1] == 32) and _is_digit(buf[a - 2]):
            sign = buf[a - 1]
        elif b + 1 < n and (buf[b] == 45 or buf[b] == 32) and _is_digit(buf[b + 1]):
            sign = buf[b]
        if sign == 0 and (b - a < 11 or b - a > 19):
            done = b
            p = b + RUN_LEAST - 1
            continue
        if sign:
            while a - 2 >= done and buf[a - 1] == sign and _is_digit(buf[a - 2]):
                a -= 2
                while a - 1 >= done and _is_digit(buf[a - 1]):
                    a -= 1
        groups, total, at = 0, 0, a
        while groups <= GROUPS_MAX:
            froms[groups] = at
            while at < n and _is_digit(buf[at]):
                at += 1
            tos[groups] = at
            total += at - froms[groups]
            groups += 1
            if sign and at + 1 < n and buf[at] == sign and _is_digit(buf[at + 1]):
                at += 1
            else:
                break
        if total < 11:
            # Too few digits for anything; the last group may belong to what follows with another sign.
            done = at if groups == 1 else froms[groups - 1]
            p = at + RUN_LEAST - 1
            continue
        j, kind, key, end = min(groups, GROUPS_MAX), 0, np.int64(0), np.int64(0)
        while j > 0:
            digits = 0
            for g in range(j):
                digits += tos[g] - froms[g]
            if 11 <= digits <= 19 and (digits == 11 or digits == 13 or digits >= 15):
                kind, key, end = _window(buf, froms, tos, j, digits, wide, regions, plan, bins, d)
                if kind and key:
                    if found < size:
                        starts[found], ends[found], kinds[found], keys[found] = a, end, kind, key
                    found += 1
                    break
            kind = 0
            j -= 1
        done = end if kind else tos[0]
        p = done + RUN_LEAST - 1
    return found


@njit(cache=True, nogil=True)
def _window(buf, froms, tos, j, digits, wide, regions, plan, bins, d):  # type: ignore[no-untyped-def]  # numba infers
    """Kind, key and end of the number that groups 0 … j-1 make; kind 0 if they make none."""
    n, a, b, k = len(buf), froms[0], tos[j - 1], 0
    for g in range(j):
        for at in range(froms[g], tos[g]):
            d[k] = buf[at] - 48
            k += 1
    after = np.int64(buf[b]) if b < n else np.int64(0)
    is_x = digits == 17 and (after == 88 or after == 120)
    if b + is_x < n and _is_word(np.int64(buf[b + is_x])):
        return 0, np.int64(0), b
    if digits == 18 or is_x:
        key = _id_key(d, is_x, False, regions)
        if key:
            return RESIDENT_ID, np.int64(key), b + is_x
    if is_x or _letter_before(buf, a, wide):
        return 0, np.int64(0), b
    if a > 1 and buf[a - 1] == 46 and _is_digit(buf[a - 2]):
        return 0, np.int64(0), b
    if b + 1 < n and after == 46 and _is_digit(buf[b + 1]):
        return 0, np.int64(0), b
    first, groups = tos[0] - froms[0], j
    if digits == 11:
        if groups == 1 or (groups == 3 and first == 3 and tos[1] - froms[1] == 4):
            return MOBILE, np.int64(_mobile_key(d, 0, plan)), b
    elif digits == 13 and d[0] == 8 and d[1] == 6:
        is_set_off = first == 2 and (
            groups == 2 or (groups == 4 and tos[1] - froms[1] == 3 and tos[2] - froms[2] == 4)
        )
        if groups == 1 or is_set_off:
            return MOBILE, np.int64(_mobile_key(d, 2, plan)), b
    elif digits >= 15:
        fours = groups == 1 or tos[j - 1] - froms[j - 1] <= 4
        for g in range(j - 1):
            fours = fours and tos[g] - froms[g] == 4
        key = (
            _card_key(d, digits, bins) if fours and not (digits == 18 and _has_form(d, False, regions)) else 0
        )
        if key:
            return BANK_CARD, np.int64(key), b
        if digits == 15 and groups == 1:
            return RESIDENT_ID_OLD, np.int64(_id_key(d, False, True, regions)), b
    return 0, np.int64(0), b


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
