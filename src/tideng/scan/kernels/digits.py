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
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from tideng.scan.kernels.kinds import BANK_CARD, GROUPS_MAX, MOBILE, RESIDENT_ID, RESIDENT_ID_OLD, RUN_LEAST

_WEIGHTS = np.array([pow(2, 17 - place, 11) for place in range(17)], np.int64)
"""ISO 7064 MOD 11-2."""
_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.int64)

_u8 = NDArray[np.uint8]
_i64 = NDArray[np.int64]
_u64 = NDArray[np.uint64]


@njit(cache=True, nogil=True, inline="always")
def _bit(bits: _u8, index: int) -> bool:
    return (bits[index >> 3] >> np.uint8(7 - (index & 7))) & np.uint8(1) != 0


@njit(cache=True, nogil=True, inline="always")
def _d(buf: _u8, at: int) -> int:
    return np.int64(buf[at]) - 48


@njit(cache=True, nogil=True)
def _has_date(buf: _u8, at: int, old: bool) -> bool:
    """A date of birth stands behind the six digits of the region."""
    if old:
        year, at = 1900 + _d(buf, at + 6) * 10 + _d(buf, at + 7), at + 8
    else:
        year = _d(buf, at + 6) * 1000 + _d(buf, at + 7) * 100 + _d(buf, at + 8) * 10 + _d(buf, at + 9)
        at += 10
    month, day = _d(buf, at) * 10 + _d(buf, at + 1), _d(buf, at + 2) * 10 + _d(buf, at + 3)
    if year < 1890 or year > 2027 or month < 1 or month > 12 or day < 1 or day > 31:
        return False
    if day > 30 and (month == 4 or month == 6 or month == 9 or month == 11):
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return month != 2 or day < 29 or (day == 29 and is_leap)


@njit(cache=True, nogil=True)
def _has_region(buf: _u8, at: int, regions: _u8) -> bool:
    region = np.int64(0)
    for i in range(at, at + 6):
        region = region * 10 + _d(buf, i)
    return _bit(regions, region)


@njit(cache=True, nogil=True)
def _id_key(buf: _u8, at: int, x: bool, old: bool, regions: _u8) -> int:
    """17 digits as a number if 18 digits (17 and an X; or 15) at `at` are a resident ID; 0 if not."""
    zero = np.int64(0)
    if not _has_date(buf, at, old) or not (_has_region(buf, at, regions) or (not old and buf[at] == 57)):
        return zero
    key = zero
    if old:
        for i in range(at, at + 15):
            key = key * 10 + _d(buf, i)
            if i == at + 5:
                key = key * 100 + 19
        return key
    total = zero
    for i in range(17):
        digit = _d(buf, at + i)
        key = key * 10 + digit
        total += digit * _WEIGHTS[i]
    check = (12 - total % 11) % 11
    if check == 10:
        return key if x else zero
    return key if not x and _d(buf, at + 17) == check else zero


@njit(cache=True, nogil=True)
def _card_key(buf: _u8, at: int, n: int, bins: _u8) -> int:
    total, prefix, key = np.int64(0), np.int64(0), np.int64(0)
    for i in range(6):
        prefix = prefix * 10 + _d(buf, at + i)
    if not bins[prefix] & (1 << (n - 15)):
        return total
    for i in range(n):
        digit = _d(buf, at + n - 1 - i)
        total += _DOUBLED[digit] if i & 1 else digit
    if total % 10:
        return np.int64(0)
    for i in range(n - 1):
        key = key * 10 + _d(buf, at + i)
    return key


@njit(cache=True, nogil=True)
def _mobile_key(buf: _u8, at: int, plan: _u8) -> int:
    five, key = np.int64(0), np.int64(0)
    for i in range(at, at + 5):
        five = five * 10 + _d(buf, i)
    if not _bit(plan, five):
        return key
    for i in range(at, at + 11):
        key = key * 10 + _d(buf, i)
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
def _gather(buf: _u8, a: int, sign: int, froms: _i64, tos: _i64) -> tuple[int, int, int]:
    """Fill `froms` and `tos` with the groups that `sign` joins from `a` on: how many, digits, their end."""
    n, groups, total, at = len(buf), 0, 0, a
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
    return groups, total, at


@njit(cache=True, nogil=True)
def _longest(
    buf: _u8, froms: _i64, tos: _i64, groups: int, d: _u8, wide: bool, regions: _u8, plan: _u8, bins: _u8
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
                    d[k] = buf[place]
                    k += 1
            shape = 1 if j == 1 else _shape(froms, tos, j, digits)
            kind, key, end = _kind(d, 0, digits, shape, buf, froms[0], tos[j - 1], wide, regions, plan, bins)
            if key:
                return kind, key, end
        j -= 1
    return zero, zero, tos[0]


@njit(cache=True, nogil=True)
def _run(buf: _u8, p: int, done: int, gb: bool) -> tuple[int, int]:
    """The run of digits around `p`, without the last byte of a four-byte character of GB18030."""
    a, b = p, p + 1
    while a > done and _is_digit(buf[a - 1]):
        a -= 1
    while b < len(buf) and _is_digit(buf[b]):
        b += 1
    if gb and b - a >= 2 and a >= 3 and buf[a - 1] >= 0x81 and _is_digit(buf[a - 2]) and buf[a - 3] >= 0x81:
        a += 1
    return a, b


@njit(cache=True, nogil=True)
def _joined(buf: _u8, a: int, b: int, done: int) -> tuple[int, int]:
    """Where the groups begin that a sign joins with the run a … b-1, and that sign; 0 if it stands alone."""
    if a - 2 >= done and (buf[a - 1] == 45 or buf[a - 1] == 32) and _is_digit(buf[a - 2]):
        sign = buf[a - 1]
        while a - 2 >= done and buf[a - 1] == sign and _is_digit(buf[a - 2]):
            a -= 2
            while a - 1 >= done and _is_digit(buf[a - 1]):
                a -= 1
        return a, np.int64(sign)
    if b + 1 < len(buf) and (buf[b] == 45 or buf[b] == 32) and _is_digit(buf[b + 1]):
        return a, np.int64(buf[b])
    return a, np.int64(0)


@njit(cache=True, nogil=True)
def _find(buf, wide, gb, regions, plan, bins, starts, ends, kinds, keys):
    n, size, found = len(buf), len(starts), 0
    d = np.zeros(24, np.uint8)
    froms, tos = np.zeros(GROUPS_MAX + 1, np.int64), np.zeros(GROUPS_MAX + 1, np.int64)
    p, done = RUN_LEAST - 1, 0
    while p < n:
        if not _is_digit(buf[p]):
            p += RUN_LEAST
            continue
        a, b = _run(buf, p, done, gb)
        a, sign = _joined(buf, a, b, done)
        kind, key, end, digits = np.int64(0), np.int64(0), b, b - a
        if sign == 0:
            # One run: what almost all numbers are. Read where it stands.
            done = b
            if digits == 11 or digits == 13 or 15 <= digits <= 19:
                kind, key, end = _kind(buf, a, digits, 1, buf, a, b, wide, regions, plan, bins)
        else:
            groups, digits, at = _gather(buf, a, sign, froms, tos)
            if digits < 11:
                # Too few for anything; the last group may belong to what follows with another sign.
                done = at if groups == 1 else froms[groups - 1]
                p = at + RUN_LEAST - 1
                continue
            done = tos[0]
            kind, key, end = _longest(buf, froms, tos, min(groups, GROUPS_MAX), d, wide, regions, plan, bins)
        if key:
            if found < size:
                starts[found], ends[found], kinds[found], keys[found] = a, end, kind, key
            found += 1
            done = end
        p = done + RUN_LEAST - 1
    return found


@intrinsic
def _pointer(context, address):  # noqa: ARG001 - numba gives it
    """An address as a pointer."""

    def generate(target, builder, signature, arguments):
        return builder.inttoptr(arguments[0], target.get_value_type(signature.return_type))

    return types.voidptr(address), generate


@njit(cache=True, nogil=True)
def find_digits(buf, wide, gb, regions, plan, bins, starts, ends, kinds, keys):
    """Fill the arrays with every checked number in `buf`; how many there were.

    If they are more than fit, call again with larger arrays: starts, ends (int64), kinds (uint8), keys
    (uint64). `wide`: bytes of 0x81 and more lead two-byte characters; `gb`: four-byte characters occur too.
    """
    # Borrowed views: numba counts no references to them, and the inner functions take seven arrays each.
    return _find(
        carray(_pointer(buf.ctypes.data), len(buf), np.uint8),
        wide,
        gb,
        carray(_pointer(regions.ctypes.data), len(regions), np.uint8),
        carray(_pointer(plan.ctypes.data), len(plan), np.uint8),
        carray(_pointer(bins.ctypes.data), len(bins), np.uint8),
        starts,
        ends,
        kinds,
        keys,
    )


@njit(cache=True, nogil=True)
def _is_fenced(buf: _u8, a: int, b: int, wide: bool) -> bool:
    """True if letters or a decimal point make what stands at a … b-1 a part of something longer."""
    n = len(buf)
    if _letter_before(buf, a, wide):
        return True
    if a > 1 and buf[a - 1] == 46 and _is_digit(buf[a - 2]):
        return True
    return b + 1 < n and buf[b] == 46 and _is_digit(buf[b + 1])


@njit(cache=True, nogil=True)
def _kind(
    digits: _u8,
    at: int,
    n: int,
    shape: int,
    buf: _u8,
    a: int,
    b: int,
    wide: bool,
    regions: _u8,
    plan: _u8,
    bins: _u8,
) -> tuple[int, int, int]:
    """Kind, key and end of the number whose n digits stand in `digits` at `at`, and in `buf` from a to b.

    `shape`: 1 one run, 2 the groups of a mobile number, 3 those behind 86, 4 fours, 0 other groups.
    """
    zero, size = np.int64(0), len(buf)
    after = buf[b] if b < size else np.uint8(0)
    is_x = n == 17 and (after == 88 or after == 120)
    if b + is_x < size and _is_word(buf[b + is_x]):
        return zero, zero, b
    if n == 18 or is_x:
        key = _id_key(digits, at, is_x, False, regions)
        if key:
            return RESIDENT_ID, key, b + is_x
    if is_x or _is_fenced(buf, a, b, wide):
        return zero, zero, b
    if n == 11:
        return MOBILE, _mobile_key(digits, at, plan) if shape == 1 or shape == 2 else zero, b
    if n == 13:
        is_ours = digits[at] == 56 and digits[at + 1] == 54 and (shape == 1 or shape == 3)
        return MOBILE, _mobile_key(digits, at + 2, plan) if is_ours else zero, b
    if shape == 1 or shape == 4:
        key = _card_key(digits, at, n, bins)
        if key and not (n == 18 and _has_date(digits, at, False) and _has_region(digits, at, regions)):
            return BANK_CARD, key, b
        if n == 15 and shape == 1:
            return RESIDENT_ID_OLD, _id_key(digits, at, False, True, regions), b
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
