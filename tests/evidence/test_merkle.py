"""The tree against the published vectors, and against the definition itself."""

import base64
import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.evidence import merkle
from tideng.evidence.merkle import Edge, ProofInvalid, leaf_hash, verify_consistency, verify_inclusion
from tideng.evidence.tiles import TileEdge, TileHashes

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "data" / "evidence" / "merkle_rfc6962"
needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="../shared/data/evidence is not here")


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def probes(kind: str) -> list[Path]:
    return sorted((VECTORS / kind).rglob("*.json"))


def blob(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@needs_vectors
def test_roots_of_the_classic_eight_leaves() -> None:
    vector = json.loads((VECTORS / "rfc6962_8leaf_roots.json").read_text())
    edge = Edge()
    assert edge.root().hex() == vector["root_hex_by_tree_size"][0]
    for leaf, root in zip(vector["leaf_inputs_hex"], vector["root_hex_by_tree_size"][1:], strict=True):
        edge.append(leaf_hash(bytes.fromhex(leaf)))
        assert edge.root().hex() == root


@needs_vectors
def test_all_inclusion_probes() -> None:
    assert len(probes("inclusion")) == 98
    for path in probes("inclusion"):
        probe = json.loads(path.read_text())
        proof = [blob(each) for each in probe["proof"] or []]
        try:
            verify_inclusion(
                probe["leafIdx"], probe["treeSize"], blob(probe["leafHash"]), proof, blob(probe["root"])
            )
            refused = False
        except ProofInvalid:
            refused = True
        assert refused == probe["wantErr"], path.name


@needs_vectors
def test_all_consistency_probes() -> None:
    assert len(probes("consistency")) == 98
    for path in probes("consistency"):
        probe = json.loads(path.read_text())
        proof = [blob(each) for each in probe["proof"] or []]
        try:
            verify_consistency(
                probe["size1"], probe["size2"], blob(probe["root1"]), blob(probe["root2"]), proof
            )
            refused = False
        except ProofInvalid:
            refused = True
        assert refused == probe["wantErr"], path.name


class Tree:
    """A tree of numbered leaves read through tiles."""

    def __init__(self, size: int) -> None:
        self.data = [b"%d" % i for i in range(size)]
        self.edge = TileEdge()
        self.tiles = {(t.level, t.n): t.hashes for t in self.edge.extend([leaf_hash(d) for d in self.data])}
        self.tiles |= {(t.level, t.n): t.hashes for t in self.edge.partial()}
        self.read = TileHashes(lambda level, n: self.tiles.get((level, n)))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 600])
def test_tiles_edge_and_definition_agree(size: int) -> None:
    tree, edge = Tree(size), Edge()
    edge.extend([leaf_hash(leaf) for leaf in tree.data])
    assert tree.edge.root() == edge.root() == merkle.root(size, tree.read) == mth(tree.data)


def test_every_proof_of_small_trees_holds_and_no_other() -> None:
    for size in range(1, 18):
        tree = Tree(size)
        root = mth(tree.data)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, tree.read)
            verify_inclusion(index, size, leaf_hash(tree.data[index]), proof, root)
            for wrong in set(range(size)) - {index}:
                with pytest.raises(ProofInvalid):
                    verify_inclusion(wrong, size, leaf_hash(tree.data[index]), proof, root)
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, size, tree.read)
            verify_consistency(old, size, mth(tree.data[:old]), root, proof)
            with pytest.raises(ProofInvalid):
                verify_consistency(old, size, sha256(b"other").digest(), root, proof)


LARGE = Tree(70_000)


@given(st.integers(1, 70_000), st.data())
def test_proofs_across_three_levels_of_tiles(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = merkle.root(size, LARGE.read)
    proof = merkle.inclusion_proof(index, size, LARGE.read)
    verify_inclusion(index, size, leaf_hash(LARGE.data[index]), proof, root)
    old_root = merkle.root(old, LARGE.read)
    verify_consistency(old, size, old_root, root, merkle.consistency_proof(old, size, LARGE.read))
    if proof:
        broken = [*proof[:-1], bytes(32)]
        with pytest.raises(ProofInvalid):
            verify_inclusion(index, size, leaf_hash(LARGE.data[index]), broken, root)


@given(st.lists(st.integers(1, 700), max_size=6), st.data())
def test_restore_goes_back_to_the_mark(sizes: list[int], data: st.DataObject) -> None:
    edge, hashes = TileEdge(), [leaf_hash(b"%d" % i) for i in range(700)]
    for size in sizes:
        before, mark = (edge.size, edge.root(), edge.partial()), edge.mark()
        edge.extend(hashes[:size])
        if data.draw(st.booleans()):
            edge.restore(mark)
            assert (edge.size, edge.root(), edge.partial()) == before


def test_size_zero_rules() -> None:
    verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    assert merkle.root(0, LARGE.read) == merkle.EMPTY_ROOT
    with pytest.raises(ProofInvalid):
        verify_consistency(0, 5, merkle.EMPTY_ROOT, merkle.root(5, LARGE.read), [])
    with pytest.raises(ValueError, match="show nothing"):
        merkle.consistency_proof(0, 5, LARGE.read)
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_proof(0, 0, LARGE.read)
