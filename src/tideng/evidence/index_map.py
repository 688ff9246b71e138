"""A map whose root proves what it holds and what it does not: from labels to entry indices. Pure.

A tree over the bits of a 32-byte label. Every label has exactly one place in it, so a lookup ends in one of
three ways, and nobody can show two of them under one root:

    nothing here   SHA-256(02)
    one label      SHA-256(00 ‖ label ‖ sealed)      sealed = HMAC-SHA-256(salt, indices as 8-byte numbers)
    two or more    SHA-256(01 ‖ left ‖ right)        left: the labels whose next bit is 0

The first `FIXED` levels are always there; below them a label stands as high as it is alone. A proof is the
hashes beside the way down, and what stands at its end: the label asked for with its salt and indices, or
nothing, or another label with its sealed content, which says nothing about whose it is or what it holds.
"""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

FIXED = 8
LABEL_BYTES = 32
NOTHING = sha256(b"\x02").digest()


class Held(Struct, frozen=True, gc=False):
    """What one label holds: entry indices in order, and the salt that hides them."""

    indices: tuple[int, ...]
    salt: bytes


class Lookup(Struct, frozen=True):
    """A proof of what `label` holds. `siblings`: from the end of the way up to the root.

    Exactly one of: `held` (it is in), `other` (another label stands there: the label and its sealed content),
    neither (nothing stands there).
    """

    siblings: tuple[bytes, ...]
    held: Held | None = None
    other: tuple[bytes, bytes] | None = None


class LookupInvalid(Exception):
    """The proof does not belong to this label and root."""


def sealed(held: Held) -> bytes:
    """The content of a label, hidden."""
    return sealed_packed(held.salt, b"".join(index.to_bytes(8, "big") for index in held.indices))


def sealed_packed(salt: bytes, packed: bytes) -> bytes:
    """`sealed`, of indices that are packed already: 8 octets each, big-endian."""
    return hmac.digest(salt, packed, "sha256")


def bit(label: bytes, depth: int) -> int:
    """The label's bit at `depth`; 0 goes left."""
    return label[depth >> 3] >> (7 - (depth & 7)) & 1


def branches(leaves: Mapping[bytes, bytes]) -> list[bytes]:
    """The hashes of the 256 subtrees below the fixed levels. `leaves`: label -> sealed content."""
    groups: list[list[tuple[bytes, bytes]]] = [[] for _ in range(1 << FIXED)]
    for label, content in sorted(leaves.items()):
        groups[label[0]].append((label, content))
    return [_subtree(group, FIXED) for group in groups]


def root(below: Sequence[bytes]) -> bytes:
    """The root over the 256 hashes of `branches`."""
    row = list(below)
    while len(row) > 1:
        row = [_node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def look_up(
    label: bytes, below: Sequence[bytes], neighbours: Mapping[bytes, bytes], held: Held | None
) -> Lookup:
    """The proof for `label`. `neighbours`: all labels with the same first byte, it included if it is in."""
    group = sorted(neighbours.items())
    siblings: list[bytes] = []
    depth = FIXED
    while len(group) > 1:
        sides: tuple[list[tuple[bytes, bytes]], list[tuple[bytes, bytes]]] = ([], [])
        for item in group:
            sides[bit(item[0], depth)].append(item)
        mine = bit(label, depth)
        siblings.append(_subtree(sides[1 - mine], depth + 1))
        group = sides[mine]
        depth += 1
    siblings.reverse()
    row, at = list(below), label[0]
    while len(row) > 1:
        siblings.append(row[at ^ 1])
        row = [_node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        at >>= 1
    if not group:
        return Lookup(tuple(siblings))
    [(found, content)] = group
    if found == label:
        return Lookup(tuple(siblings), held=held)
    return Lookup(tuple(siblings), other=(found, content))


def check_lookup(label: bytes, lookup: Lookup, root_hash: bytes) -> tuple[int, ...]:
    """What `label` holds under the root; empty if it is not in. `LookupInvalid` if the proof is not one."""
    depth = len(lookup.siblings)
    if not FIXED <= depth <= 8 * LABEL_BYTES or (lookup.held and lookup.other):
        raise LookupInvalid(f"a lookup has {FIXED} to {8 * LABEL_BYTES} hashes and one end")
    top = NOTHING
    if lookup.held is not None:
        top = _leaf(label, sealed(lookup.held))
    elif lookup.other is not None:
        there, content = lookup.other
        shared = next((d for d in range(8 * LABEL_BYTES) if bit(there, d) != bit(label, d)), 8 * LABEL_BYTES)
        if there == label or shared < depth:
            raise LookupInvalid("the label shown does not stand on the way to the one asked for")
        top = _leaf(there, content)
    for level, sibling in enumerate(lookup.siblings):
        top = _node(sibling, top) if bit(label, depth - 1 - level) else _node(top, sibling)
    if top != root_hash:
        raise LookupInvalid("the lookup leads to another root")
    return lookup.held.indices if lookup.held else ()


def _subtree(group: Sequence[tuple[bytes, bytes]], depth: int) -> bytes:
    if not group:
        return NOTHING
    if len(group) == 1:
        return _leaf(*group[0])
    # Sorted by label, so the two sides are two stretches.
    cut = next((i for i, (label, _) in enumerate(group) if bit(label, depth)), len(group))
    return _node(_subtree(group[:cut], depth + 1), _subtree(group[cut:], depth + 1))


def _leaf(label: bytes, content: bytes) -> bytes:
    return sha256(b"\x00" + label + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
