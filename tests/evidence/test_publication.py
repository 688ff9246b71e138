"""What is published is a tlog-tiles log in the eyes of an implementation that is not ours."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence import independent_log as independent
from tideng.evidence import merkle
from tideng.evidence.checkpoint import Checkpoint, sign_checkpoint
from tideng.evidence.merkle import leaf_hash
from tideng.evidence.note import NoteInvalid, verifier_for
from tideng.evidence.publication import ExportRefused, export, read_resource
from tideng.evidence.resources import (
    ENTRIES,
    BundleBroken,
    Resource,
    decode_bundle,
    encode_bundle,
    is_within,
    parse_path,
    resources,
)
from tideng.evidence.tiles import TileEdge, TileHashes

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "publication.example/log"
ME = verifier_for(ORIGIN, KEY)


class Kept:
    """Leaves and tiles as the ledger stores them: the last tile of a level grows in place."""

    def __init__(self, count: int, make: Callable[[int], bytes] = lambda i: b"entry %d" % i) -> None:
        self.all = [make(i) for i in range(count)]
        edge = TileEdge()
        tiles = edge.extend([leaf_hash(leaf) for leaf in self.all]) + edge.partial()
        self.tiles = {(tile.level, tile.n): tile.hashes for tile in tiles}
        self.hashes = TileHashes(self.tile)

    def leaves(self, start: int, stop: int) -> list[bytes]:
        return self.all[start:stop]

    def tile(self, level: int, n: int) -> bytes | None:
        return self.tiles.get((level, n))

    def root(self, size: int) -> bytes:
        return merkle.root(size, self.hashes)

    def note(self, size: int) -> bytes:
        return sign_checkpoint(Checkpoint(ORIGIN, size, self.root(size)), KEY)

    def fetch(self, size: int) -> independent.Fetch:
        """As a server that publishes `size` answers."""

        def get(path: str) -> bytes | None:
            if path == "checkpoint":
                return self.note(size)
            resource = parse_path(path)
            return None if resource is None else read_resource(self, resource, size)

        return get


def accept(kept: Kept, size: int, known: dict[str, list[bytes]] | None = None) -> None:
    assert independent.accept(kept.fetch(size), ORIGIN, ME.public, known) == size


def publish(kept: Kept, size: int, folder: Path) -> int:
    return export(kept, kept.note(size), ORIGIN, [ME], folder).files


def from_folder(folder: Path) -> independent.Fetch:
    return lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None


def test_every_size_is_accepted() -> None:
    """Sizes 0 to 700 one by one, then around every boundary up to 66,000."""
    kept, known = Kept(700), {}
    for size in range(701):
        accept(kept, size, known)
    big, known = Kept(66_000), {}
    for size in (2_303, 2_304, 5_000, 65_535, 65_536, 65_537, 65_792, 66_000):
        accept(big, size, known)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sampled_sizes_to_a_million_are_accepted() -> None:
    kept, known, chance = Kept(1_000_000), {}, random.Random(3)
    edges = [256**2 * k + d for k in (1, 2, 15) for d in (-1, 0, 1)]
    for size in sorted([*edges, 1_000_000, *(chance.randrange(1, 1_000_000) for _ in range(8))]):
        accept(kept, size, known)
        old = chance.randrange(1, size + 1)
        proof = merkle.consistency_proof(old, size, kept.hashes)
        independent.consistent(old, size, kept.root(old), kept.root(size), proof)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_size_to_three_thousand_is_accepted() -> None:
    kept, known = Kept(3_000), {}
    for size in range(3_001):
        accept(kept, size, known)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("most", [100, pytest.param(300, marks=pytest.mark.slow)])
def test_every_pair_is_consistent_and_every_entry_included(most: int) -> None:
    kept = Kept(max(most, 300))
    hashes = [independent.digest(b"\0", leaf) for leaf in kept.all]
    roots = [independent.mth(hashes[:n]) for n in range(len(hashes) + 1)]
    for new in range(1, most + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, kept.hashes)
            independent.consistent(old, new, roots[old], roots[new], proof)
    for size in (1, 2, 3, 255, 256, 257, 300):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, kept.hashes)
            leaf = independent.digest(b"\0", kept.all[index])
            independent.included(index, size, leaf, proof, roots[size])


def test_the_independent_reader_can_say_no() -> None:
    kept = Kept(600)
    for key in [(0, 0), (0, 2), (1, 0)]:
        spoilt = Kept(600)
        spoilt.tiles[key] = bytes([spoilt.tiles[key][0] ^ 1]) + spoilt.tiles[key][1:]
        fetch = spoilt.fetch(600)
        with pytest.raises(independent.Rejected):
            independent.accept(
                lambda path, fetch=fetch: kept.note(600) if path == "checkpoint" else fetch(path),
                ORIGIN,
                ME.public,
            )
    other = Kept(600, lambda i: b"other %d" % i)
    with pytest.raises(independent.Rejected):
        independent.consistent(
            300, 600, kept.root(300), other.root(600), merkle.consistency_proof(300, 600, other.hashes)
        )


# Names


def test_paths_of_the_specification() -> None:
    assert Resource(0, 1_234_067).path == "tile/0/x001/x234/067"
    tiles = [r for r in resources(70_000) if r.level >= 0]
    assert len([r for r in tiles if r.level == 0 and r.width == 256]) == 273
    assert [r.path for r in tiles if r.width < 256] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [r.path for r in resources(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert [*resources(0)] == []


@settings(deadline=None)
@given(st.integers(-1, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_a_path_reads_back(level: int, n: int, width: int) -> None:
    resource = Resource(level, n, width)
    assert parse_path(resource.path) == resource


@pytest.mark.parametrize(
    "path",
    ["", "checkpoint", "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/000", "tile/0/000.p/0",
     "tile/0/000.p/256", "tile/0/000.p/01", "tile/entries/000/", "tile/0/../000", "tile/0/x001/x2/003",
     "tile/0/٠٠٠", "/tile/0/000", "tile/-1/000", "tile/0/000.p/"],
)  # fmt: skip
def test_what_is_no_name(path: str) -> None:
    assert parse_path(path) is None


@settings(deadline=None)
@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_what_is_new_and_what_was_there_is_everything(a: int, b: int) -> None:
    known, size = min(a, b), max(a, b)
    everything = set(resources(size))
    new = set(resources(size, known))
    assert new | set(resources(known)) >= everything
    assert not new & set(resources(known))
    assert all(is_within(resource, size) for resource in everything)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_read_back(leaves: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(leaves)) == leaves


@pytest.mark.parametrize("bundle", [b"\0", b"\0\5abcd", b"\0\1a\1"])
def test_broken_bundles(bundle: bytes) -> None:
    with pytest.raises(BundleBroken):
        decode_bundle(bundle)


def test_an_entry_too_long_is_no_bundle() -> None:
    assert len(encode_bundle([b"x" * 65_535])) == 65_537
    with pytest.raises(ValueError, match="65535"):
        encode_bundle([b"x" * 65_536])


# Export


def test_a_folder_grows_with_the_ledger(tmp_path: Path) -> None:
    kept, known = Kept(1_300), {}
    for size in (0, 1, 255, 256, 257, 700, 1_024, 1_300):
        publish(kept, size, tmp_path)
        assert independent.accept(from_folder(tmp_path), ORIGIN, ME.public, known) == size
        assert publish(kept, size, tmp_path) == 0
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_a_folder_served_is_what_the_ledger_serves(tmp_path: Path) -> None:
    kept = Kept(1_000)
    publish(kept, 1_000, tmp_path)
    serve = kept.fetch(1_000)
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert serve(file.relative_to(tmp_path).as_posix()) == file.read_bytes()


def test_an_older_copy_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    kept = Kept(500)
    publish(kept, 500, tmp_path)
    with pytest.raises(ExportRefused, match="older copy"):
        publish(kept, 400, tmp_path)
    assert (tmp_path / "checkpoint").read_bytes() == kept.note(500)


def test_a_fork_is_refused(tmp_path: Path) -> None:
    publish(Kept(300), 300, tmp_path)
    with pytest.raises(ExportRefused, match="two histories"):
        publish(Kept(400, lambda i: b"fork %d" % i), 400, tmp_path)


def test_someone_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"not ours")
    with pytest.raises(ExportRefused, match="not ours"):
        publish(Kept(3), 3, tmp_path)
    assert (tmp_path / "checkpoint").read_bytes() == b"not ours"


def test_a_checkpoint_over_other_entries_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(NoteInvalid, match="another root"):
        export(Kept(9), Kept(9, lambda i: b"x%d" % i).note(9), ORIGIN, [ME], tmp_path)
    assert not (tmp_path / "checkpoint").exists()
    assert ENTRIES == -1
