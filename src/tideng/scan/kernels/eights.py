# mypy: disable-error-code="call-arg,return-value,arg-type,assignment,no-any-return,attr-defined"
# mypy: allow-untyped-defs, allow-untyped-calls
# Types here are numba's: what looks like int is int64, and numba infers it.
"""Eight digits at a time: read, weighed and counted in one register, for kernels that meet many numbers.

A 64-bit word holds eight bytes, the first of them lowest. Multiplying a word of four 16-bit lanes by the
weights in reverse order leaves the weighted sum of all lanes in the highest one; nothing overflows as long as
each sum stays below 65,536.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tideng.scan.kernels.compiled import folder

folder()  # before the first kernel is declared: numba asks then where to keep it


@intrinsic
def byte(context, address, place):  # noqa: ARG001 - numba gives it
    """The byte at an address and so many further on."""

    def generate(target, builder, signature, arguments):  # noqa: ARG001
        at = builder.inttoptr(builder.add(*arguments), ir.IntType(8).as_pointer())
        return builder.zext(builder.load(at), ir.IntType(64))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def _word(context, address):  # noqa: ARG001 - numba gives it
    """The eight bytes at an address, which need not be aligned."""

    def generate(target, builder, signature, arguments):
        kind = target.get_value_type(signature.return_type)
        return builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1)

    return types.uint64(types.int64), generate


@intrinsic
def _zeros_below(context, word):  # noqa: ARG001 - numba gives it
    """How many bits below the lowest one are zero; 64 if there is none."""

    def generate(target, builder, signature, arguments):  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def _digits(buf: int, at: int) -> int:
    return _word(buf + at) ^ np.uint64(0x3030303030303030)


@njit(cache=True, nogil=True)
def eight(buf: int, at: int) -> int:
    """The number that the eight digits at `at` are."""
    pairs = _digits(buf, at)
    pairs = pairs * np.uint64(10) + (pairs >> np.uint64(8))
    lanes = np.uint64(0x000000FF000000FF)
    value = (pairs & lanes) * np.uint64(0x000F424000000064)
    value += ((pairs >> np.uint64(16)) & lanes) * np.uint64(0x0000271000000001)
    return np.int64(value >> np.uint64(32))


_EVEN = np.uint64(0x00FF00FF00FF00FF)
# ISO 7064 MOD 11-2: 7 9 10 5 8 4 2 1 6 3 7 9 10 5 8 4, by every other place, in reverse order.
_FIRST_EVEN = np.uint64(7 << 48 | 10 << 32 | 8 << 16 | 2)
_FIRST_ODD = np.uint64(9 << 48 | 5 << 32 | 4 << 16 | 1)
_SECOND_EVEN = np.uint64(6 << 48 | 7 << 32 | 10 << 16 | 8)
_SECOND_ODD = np.uint64(3 << 48 | 9 << 32 | 5 << 16 | 4)


@njit(cache=True, nogil=True)
def weighted(buf: int, at: int) -> int:
    """The sum of the first 16 digits at `at`, each by its weight in a resident ID."""
    first, second = _digits(buf, at), _digits(buf, at + 8)
    eighth = np.uint64(8)
    total = ((first & _EVEN) * _FIRST_EVEN >> np.uint64(48)) + (
        ((first >> eighth) & _EVEN) * _FIRST_ODD >> np.uint64(48)
    )
    total += ((second & _EVEN) * _SECOND_EVEN >> np.uint64(48)) + (
        ((second >> eighth) & _EVEN) * _SECOND_ODD >> np.uint64(48)
    )
    return np.int64(total)


@njit(cache=True, nogil=True)
def doubled(buf: int, at: int) -> int:
    """The Luhn sum of eight digits: the first and every other of them doubled."""
    word = _digits(buf, at)
    even = word & _EVEN
    # Five and more carry when doubled: 123 + 5 is 128.
    carries = ((even + np.uint64(0x007B007B007B007B)) & np.uint64(0x0080008000800080)) >> np.uint64(7)
    sums = even * np.uint64(2) - carries * np.uint64(9) + ((word >> np.uint64(8)) & _EVEN)
    return np.int64(sums * np.uint64(0x0001000100010001) >> np.uint64(48))


@njit(cache=True, nogil=True)
def digits_ahead(buf: int, at: int) -> int:
    """How many of the eight bytes from `at` on are digits before the first that is none."""
    word = _digits(buf, at)
    # Of a digit 0 … 9 remain, and adding 118 keeps the highest bit clear; other bytes set it or have it.
    low = (word & np.uint64(0x7F7F7F7F7F7F7F7F)) + np.uint64(0x7676767676767676)
    others = (low | word) & np.uint64(0x8080808080808080)
    return np.int64(_zeros_below(others) >> np.uint64(3))
