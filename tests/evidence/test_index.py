"""The completeness index: names nobody can choose, lookups that end in one way, no gaps."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.evidence import completeness, index_map
from tideng.evidence.entries import decode_entry, encode_entry
from tideng.evidence.index_map import Held, Lookup, LookupInvalid, check_lookup
from tideng.evidence.indexer import Indexer
from tideng.evidence.name_key import NameKey, label_of, name_of
from tideng.evidence.naming import APART_MIN, NamingFailed, names_apart
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.verifier import curve
from tideng.storage.sqlite import Writer

# Names (RFC 9381, appendix B.3: seed, public key, alpha, pi)

VECTORS = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479d97"
     "27d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a465"
     "301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02"),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "public", "alpha", "proof"), VECTORS)
def test_the_vectors_of_rfc_9381(seed: str, public: str, alpha: str, proof: str) -> None:
    key = NameKey(bytes.fromhex(seed))
    number = bytes.fromhex(alpha).decode()
    assert key.public.hex() == public
    assert key.prove(number).hex() == proof
    assert named(key, number, bytes.fromhex(proof)) == key.name(number)


def named(key: NameKey, number: str, proof: bytes) -> bytes | None:
    gamma = curve.gamma_of(key.public, number.encode(), proof)
    return None if gamma is None else name_of(curve.montgomery_u(gamma))


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.text(max_size=20), st.integers(0, 79), st.integers(1, 255))
def test_a_name_is_proved_and_no_other(seed: bytes, number: str, at: int, change: int) -> None:
    key = NameKey(seed)
    proof = key.prove(number)
    assert named(key, number, proof) == key.name(number)
    assert named(key, number + "1", proof) is None
    assert named(NameKey(bytes(32)), number, proof) is None or seed == bytes(32)
    spoilt = bytearray(proof)
    spoilt[at] ^= change
    assert named(key, number, bytes(spoilt)) is None


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_ed25519_in_plain_integers_agrees_with_openssl(seed: bytes, message: bytes, flip: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), bytearray(key.sign(message))
    assert curve.is_signature(public, message, bytes(signature))
    signature[flip // 8] ^= 1 << flip % 8
    assert not curve.is_signature(public, message, bytes(signature))


# The map


@st.composite
def maps(draw: st.DrawFn) -> dict[bytes, Held]:
    """Labels that share long beginnings, so that paths are deep."""
    stems = draw(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4))
    labels = set()
    for _ in range(draw(st.integers(0, 20))):
        stem, cut = draw(st.sampled_from(stems)), draw(st.integers(0, 31))
        labels.add(stem[:cut] + draw(st.binary(min_size=32 - cut, max_size=32 - cut)))
    return {
        label: Held(tuple(range(n, 2 * n + 1)), bytes([n]) * 32) for n, label in enumerate(sorted(labels))
    }


def prove(held: Mapping[bytes, Held], label: bytes) -> tuple[bytes, Lookup]:
    sealed = {each: index_map.sealed(h) for each, h in held.items()}
    below = index_map.branches(sealed)
    near = {each: content for each, content in sealed.items() if each[0] == label[0]}
    return index_map.root(below), index_map.look_up(label, below, near, held.get(label))


@settings(deadline=None, max_examples=40)
@given(maps(), st.binary(min_size=32, max_size=32), st.integers(0, 255), st.randoms())
def test_every_label_has_exactly_one_answer(
    held: dict[bytes, Held], stranger: bytes, flip: int, chance: object
) -> None:
    asked = [*held, stranger, *(bytes([*each[:-1], each[-1] ^ 1]) for each in held)]
    for label in asked:
        root, lookup = prove(held, label)
        expected = held[label].indices if label in held else ()
        assert check_lookup(label, lookup, root) == expected
        other_end = Lookup(lookup.siblings)
        if lookup != other_end:  # claiming that nothing is there
            with pytest.raises(LookupInvalid):
                check_lookup(label, other_end, root)
        if lookup.held and len(lookup.held.indices) > 1:  # leaving one entry out
            less = Lookup(lookup.siblings, held=Held(lookup.held.indices[1:], lookup.held.salt))
            with pytest.raises(LookupInvalid):
                check_lookup(label, less, root)
        spoilt = bytearray(label)
        spoilt[flip // 8] ^= 1 << flip % 8
        if lookup.held:  # another label's proof
            with pytest.raises(LookupInvalid):
                check_lookup(bytes(spoilt), lookup, root)


def test_another_label_must_stand_on_the_way() -> None:
    one, two = b"\x80" + bytes(31), b"\xc0" + bytes(31)
    held = {one: Held((1,), b"s" * 32), two: Held((2,), b"t" * 32)}
    root, lookup = prove(held, two)
    lie = Lookup(lookup.siblings, other=(two, index_map.sealed(held[two])))
    for asked in (two, one, b"\x41" + bytes(31)):
        with pytest.raises(LookupInvalid):
            check_lookup(asked, lie, root)


# Intervals


class Whose:
    """Entries say whom they concern; numbers of subjects in `lost` can no longer be read."""

    def __init__(self) -> None:
        self.lost: set[str] = set()

    def subjects_of(self, conn: sqlite3.Connection, first: int, leaves: Sequence[bytes]) -> list[str | None]:
        return [decode_entry(leaf).get("whose") for leaf in leaves]

    def numbers_of(self, conn: sqlite3.Connection, subjects: Sequence[str]) -> dict[str, str]:
        return {subject: "86" + subject for subject in subjects if subject not in self.lost}


class Rig:
    def __init__(self, path: Path) -> None:
        self.writer = Writer(path, schema={"evidence": SCHEMA})
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.ledger = SqliteLedger(self.writer, origin="index.example", key=key, clock=lambda: 7)
        self.names = NameKey(b"n" * 32)
        self.whose = Whose()
        self.indexer = Indexer(self.writer, self.ledger, self.whose, self.names, entries_max=1_000)

    def add(self, *whose: str | None) -> None:
        self.ledger.append(
            [encode_entry({"kind": "t/1", "at": 7} | ({"whose": w} if w else {})) for w in whose]
        )

    def holds(self, subject: str) -> list[tuple[int, ...]]:
        """What each interval's root says about a subject, proved."""
        found = []
        name = self.names.name("86" + subject)
        with closing(self.writer.reader()) as conn:
            for interval in completeness.intervals(conn):
                lookup = completeness.look_up(conn, self.names, name, interval)
                root = bytes.fromhex(decode_entry(self.ledger.leaf(interval.position))["root"])
                found.append(check_lookup(label_of(name, interval.first), lookup, root))
        return found

    def entries(self) -> list[dict[str, object]]:
        with closing(self.writer.reader()) as conn:
            return [decode_entry(self.ledger.leaf(i.position)) for i in completeness.intervals(conn)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "index.db")
    yield made
    made.ledger.close()
    made.writer.close()


def test_intervals_follow_each_other_without_a_gap(rig: Rig) -> None:
    rig.add("a", "b", "a", None)
    assert rig.indexer.write_next() is not None
    rig.add("b", None, "c")
    assert rig.indexer.write_next() is not None
    assert rig.holds("a") == [(0, 2), ()]
    assert rig.holds("b") == [(1,), (5,)]
    assert rig.holds("nobody") == [(), ()]
    first, second = rig.entries()
    assert (first["first"], first["stop"], first["previous"], first["entries"]) == (0, 4, -1, 3)
    assert (second["first"], second["stop"], second["previous"], second["labels"]) == (4, 8, 4, 2)
    rig.add("d")
    rig.indexer.write_next()
    assert rig.indexer.write_next() is None  # nothing but its own entry is new


def test_a_long_stretch_is_covered_in_pieces(rig: Rig) -> None:
    rig.add(*[f"s{n % 300}" for n in range(2_500)])
    rig.indexer.catch_up(2_500)
    entries = rig.entries()
    assert [entry["first"] for entry in entries[1:]] == [entry["stop"] for entry in entries[:-1]]
    assert entries[-1]["stop"] >= 2_500
    assert sum(map(len, rig.holds("s7"))) == 9
    assert rig.ledger.verify().is_intact


def test_whoever_cannot_be_named_is_counted_and_listed(rig: Rig) -> None:
    rig.whose.lost.add("gone")
    rig.add("a", "gone", "a", "gone")
    rig.indexer.write_next()
    [entry] = rig.entries()
    assert (entry["unnamed"], entry["entries"], entry["labels"]) == ([1, 3], 2, 1)


def test_a_second_writer_s_draft_is_dropped(rig: Rig) -> None:
    rig.add("a", "b")
    with closing(rig.writer.reader()) as conn:
        drafts = [
            completeness.draft(conn, rig.ledger, rig.whose, rig.names, entries_max=100) for _ in range(2)
        ]
    recorded = [
        rig.writer.call(lambda conn, made=made: completeness.record_in(conn, rig.ledger, made))
        for made in drafts
    ]
    assert recorded[0] is not None
    assert recorded[1] is None
    assert len(rig.entries()) == 1


def test_old_maps_outlive_an_erased_name(rig: Rig) -> None:
    rig.add("a", "b")
    rig.indexer.write_next()
    rig.writer.call(lambda conn: completeness.forget_name_in(conn, "a"))
    rig.whose.lost.add("a")
    assert rig.holds("b") == [(1,)]
    assert rig.holds("a") == [(0,)]  # the number itself still leads there, for whoever brings it


def test_names_worked_out_apart_are_the_same() -> None:
    seed = bytes(range(32))
    odd = ["?", "?line\nend", "?\x00", "?\ud800", "?提灯"]
    numbers = [*odd, *(f"86138{number:08d}" for number in range(APART_MIN))]
    assert names_apart(seed, numbers) == [NameKey(seed).name(number) for number in numbers]
    assert names_apart(seed, numbers[:3]) == names_apart(seed, numbers)[:3]


def test_a_process_that_gives_no_names_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(NamingFailed, match="ended with 1"):
        names_apart(bytes(32), ["1"] * APART_MIN)
