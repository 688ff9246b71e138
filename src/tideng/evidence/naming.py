"""Names of many people at once, worked out in a process of its own.

A name costs some 100 µs of arithmetic on long integers, during which Python runs nothing else. A gateway
that meets thousands of people a second has a second processor core for that, but no second interpreter in its
own process. The secret and the numbers go through a pipe, never through arguments, files or logs.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from tideng.evidence.name_key import NameKey, octets_of, text_of

APART_MIN: Final = 200
"""Fewer are named at once, here: starting a process costs as much."""
LATER: Final = 10
"""How far the other process steps back (`nice`) when there is too little for both."""
TIMEOUT_S: Final = 600.0
_SEED_OCTETS: Final = 32
_NAME_OCTETS: Final = 32


class NamingFailed(Exception):
    """The other process gave no names. The index is tried again later; nothing is lost."""


def names_apart(seed: bytes, numbers: Sequence[str]) -> list[bytes]:
    """`NameKey(seed).name` of each number, in order. Blocks. Raises `NamingFailed`."""
    if len(numbers) < APART_MIN:
        key = NameKey(seed)
        return [key.name(number) for number in numbers]
    # As octets in a list: what was given as a recipient may hold anything, line ends too.
    asked = seed + msgspec.msgpack.encode([octets_of(number) for number in numbers])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tideng.evidence.naming"],
            input=asked,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NamingFailed(f"names were not worked out: {type(error).__name__}") from error
    octets = done.stdout
    if done.returncode or len(octets) != _NAME_OCTETS * len(numbers):
        raise NamingFailed(f"names were not worked out: the process ended with {done.returncode}")
    return [octets[i : i + _NAME_OCTETS] for i in range(0, len(octets), _NAME_OCTETS)]


def main() -> None:
    """The other process: seed and numbers from standard input, names to standard output."""
    os.nice(LATER)
    asked = sys.stdin.buffer.read()
    key = NameKey(asked[:_SEED_OCTETS])
    numbers = [text_of(octets) for octets in msgspec.msgpack.decode(asked[_SEED_OCTETS:], type=list[bytes])]
    sys.stdout.buffer.write(b"".join(key.name(number) for number in numbers))


if __name__ == "__main__":
    main()
