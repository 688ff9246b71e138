"""RFC 6962 §2.1 Merkle trees (SHA-256): roots, proofs, and their verification. Pure.

Where RFC 9162 is silent about the empty tree we decide:
- size 0 has the root SHA-256("") (RFC 6962 §2.1);
- an inclusion proof needs 0 <= index < size, so nothing is included in an empty tree;
- consistency between equal sizes, 0 included, is an empty proof and equal roots (at 0: the empty root);
- consistency from size 0 to a larger size proves nothing and is refused, both when made and when checked.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

HashReader = Callable[[int, int], bytes]
"""`(level, n)` -> hash of the n-th complete subtree of 2**level leaves."""


class ProofInvalid(Exception):
    """The proof does not show what it claims. The message says which step failed."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry (RFC 6962 §2.1): 32 bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees (RFC 6962 §2.1): 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


class Edge:
    """The right edge of a growing tree: just enough hashes (at most 64) to append and to know the root."""

    __slots__ = ("_stack", "size")

    def __init__(self, size: int = 0, stack: Iterable[bytes] = ()) -> None:
        """`stack`: roots of the complete subtrees, largest first; one per set bit of `size`."""
        self.size = size
        self._stack = list(stack)
        if len(self._stack) != size.bit_count():
            raise ValueError(f"size {size} has {size.bit_count()} complete subtrees; got {len(self._stack)}")

    @property
    def stack(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first."""
        return tuple(self._stack)

    def append(self, hashed: bytes) -> None:
        """Add one leaf hash."""
        self.extend((hashed,))

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        stack, size = self._stack, self.size
        for top in hashes:
            rest = size
            while rest & 1:
                top = sha256(b"\x01" + stack.pop() + top).digest()
                rest >>= 1
            stack.append(top)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root of everything appended; `EMPTY_ROOT` at size 0."""
        return fold(self._stack)


def fold(stack: Sequence[bytes]) -> bytes:
    """The root over complete subtrees given largest first."""
    if not stack:
        return EMPTY_ROOT
    top = stack[-1]
    for left in reversed(stack[:-1]):
        top = node_hash(left, top)
    return top


def root(size: int, read: HashReader) -> bytes:
    """The root of the first `size` leaves."""
    return _subtree(0, size, read) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1, nearest hash first. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not in a tree of {size}")
    proof: list[bytes] = []
    first, stop = 0, size
    while stop - first > 1:
        middle = first + _split(stop - first)
        if index < middle:
            proof.append(_subtree(middle, stop, read))
            stop = middle
        else:
            proof.append(_subtree(first, middle, read))
            first = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2. Empty when the sizes are equal; ValueError from size 0."""
    if old == new and old >= 0:
        return []
    if not 0 < old < new:
        raise ValueError(f"a proof from size {old} to size {new} would show nothing; give 0 < old <= new")
    proof: list[bytes] = []
    first, stop, is_whole = 0, new, True  # is_whole: the old tree's subtree here starts at leaf 0
    while stop != old:
        middle = first + _split(stop - first)
        if old <= middle:
            proof.append(_subtree(middle, stop, read))
            stop = middle
        else:
            proof.append(_subtree(first, middle, read))
            first, is_whole = middle, False
    if not is_whole:
        proof.append(_subtree(first, stop, read))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, hashed: bytes, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Return if `hashed` is leaf `index` of the tree (RFC 9162 §2.1.3.2); raise `ProofInvalid` otherwise."""
    if not 0 <= index < size:
        raise ProofInvalid(f"entry {index} is not in a tree of {size}")
    if len(hashed) != HASH_BYTES:
        raise ProofInvalid(f"a leaf hash has {HASH_BYTES} bytes, not {len(hashed)}")
    node, last, top = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            raise ProofInvalid(f"the proof has {len(proof)} hashes, more than the tree has levels")
        if node & 1 or node == last:
            top = node_hash(_checked(sibling), top)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            top = node_hash(top, _checked(sibling))
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid(f"the proof stops after {len(proof)} hashes, below the root")
    if top != root_hash:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return if the tree of `old` is a prefix of that of `new` (RFC 9162 §2.1.4.2); else `ProofInvalid`."""
    if old == new and old >= 0:
        if proof:
            raise ProofInvalid("equal sizes need no proof; some hashes were given")
        if old_root != new_root or (old == 0 and old_root != EMPTY_ROOT):
            raise ProofInvalid(f"two different roots for size {old}")
        return
    if not 0 < old < new:
        raise ProofInvalid(f"nothing can be shown from size {old} to size {new}")
    path = list(proof)
    if old & (old - 1) == 0:  # the old root itself is a node of the new tree
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid("the proof is empty")
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_top = new_top = _checked(path[0])
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid(f"the proof has {len(proof)} hashes, more than the tree has levels")
        if node & 1 or node == last:
            old_top = node_hash(_checked(sibling), old_top)
            new_top = node_hash(sibling, new_top)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_top = node_hash(new_top, _checked(sibling))
        node, last = node >> 1, last >> 1
    if last:
        raise ProofInvalid(f"the proof stops after {len(proof)} hashes, below the root")
    if old_top != old_root:
        raise ProofInvalid(f"the proof leads to another root for size {old}")
    if new_top != new_root:
        raise ProofInvalid(f"the proof leads to another root for size {new}")


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (RFC 6962 §2.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def _subtree(first: int, stop: int, read: HashReader) -> bytes:
    """MTH(D[first:stop]); `first` is a multiple of the largest complete subtree inside."""
    count = stop - first
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return read(level, first >> level)
    middle = first + _split(count)
    return node_hash(_subtree(first, middle, read), _subtree(middle, stop, read))


def _checked(hashed: bytes) -> bytes:
    if len(hashed) != HASH_BYTES:
        raise ProofInvalid(f"a hash in the proof has {len(hashed)} bytes, not {HASH_BYTES}")
    return hashed
