"""The registry in use, on the real writer and ledger: versions, entries, all or nothing."""

import asyncio
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from tideng.evidence.commitment import opens
from tideng.evidence.entries import KINDS, decode_entry
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.gateway.registry import store
from tideng.gateway.registry.passwords import is_password
from tideng.gateway.registry.problems import RegistryInvalid
from tideng.gateway.registry.registry import Registry
from tideng.gateway.registry.schema import MIGRATIONS, ROOM
from tideng.gateway.registry.values import Consent, Customer, Mandate, OptOut, Principal, Signature
from tideng.identifiers.keyed import keyed_hash
from tideng.storage.sqlite import Writer

START = 1_790_000_000_000_000
EXAMPLES = Path(__file__).parents[2] / "docs/operate/examples"
ZONE = ZoneInfo("Asia/Shanghai")
BANK = Principal(id="bank", name="Bank")
ACME = Customer(id="acme", name="Acme")
SIGN = Signature(id="银行", principal="bank")
PAPER = Mandate(id="m1", principal="bank", customer="acme", signatures=("银行",))
ALL = [PAPER, SIGN, ACME, BANK]


def subject_of(number: str) -> str:
    return keyed_hash(bytes(32), "subject", number)


class House:
    """One data directory with its writer, ledger and registry; `reopen` is a restart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = START
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.open()

    def open(self) -> None:
        self.writer = Writer(self.path, schema={"evidence": SCHEMA, ROOM: MIGRATIONS})
        self.ledger = SqliteLedger(self.writer, origin="test.example/log", key=self.key, clock=self.clock)
        self.registry = Registry(self.writer, self.ledger)

    def clock(self) -> int:
        self.time += 1
        return self.time

    def close(self) -> None:
        self.ledger.close()
        self.writer.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def entries(self) -> list[dict[str, object]]:
        return [decode_entry(leaf) for leaf in self.ledger.leaves(0, self.ledger.size)]

    def reader(self) -> sqlite3.Connection:
        return self.writer.reader()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "tideng.db")
    yield house
    house.close()


def test_a_change_is_versioned_recorded_and_survives_a_restart(house: House) -> None:
    versions = house.registry.change(ALL, "person:ann")
    assert [(v.kind, v.id, v.version, v.position) for v in versions] == [
        ("mandate", "m1", 1, 0),
        ("signature", "银行", 1, 1),
        ("customer", "acme", 1, 2),
        ("principal", "bank", 1, 3),
    ]
    for version, entry in zip(versions, house.entries(), strict=True):
        assert entry == {
            "kind": "registry/1",
            "at": version.at,
            "by": "person:ann",
            "object_kind": version.kind,
            "object_id": version.id,
            "version": 1,
            "body": sha256(store.canonical_body(version.item)).hexdigest(),
        }
    before = house.registry.snapshot
    assert before.mandates("acme", "bank") == (PAPER,)
    house.reopen()
    assert house.registry.snapshot == before
    assert house.ledger.verify().is_intact


def test_all_or_nothing(house: House) -> None:
    before = house.registry.snapshot
    with pytest.raises(RegistryInvalid) as caught:
        house.registry.change(
            [BANK, ACME, replace(SIGN, principal="nobody"), replace(PAPER, id="M 1")], "ann"
        )
    assert len(caught.value.problems) >= 2
    assert house.registry.snapshot is before
    assert house.ledger.size == 0
    assert house.registry.history("principal", "bank") == []


def test_a_failed_commit_changes_nothing(house: House) -> None:
    house.registry.change([BANK], "ann")
    # Someone else's row where the next version belongs: the insert fails after the entries were appended.
    house.writer.call(
        lambda conn: conn.execute("INSERT INTO registry_version VALUES ('principal','bank',2,'{}',0,'x',0)")
    )
    before = house.registry.snapshot
    with pytest.raises(sqlite3.IntegrityError):
        house.registry.change([ACME, replace(BANK, name="Bank 2")], "ann")
    assert house.registry.snapshot is before
    assert house.ledger.size == 1
    assert house.registry.history("customer", "acme") == []


def test_the_same_again_makes_no_version(house: House) -> None:
    house.registry.change(ALL, "ann")
    assert house.registry.change(ALL, "bob") == []
    [only] = house.registry.change([BANK, replace(ACME, name="Acme 2")], "bob")
    assert (only.id, only.version, only.position) == ("acme", 2, 4)
    assert house.registry.snapshot.version("customer", "acme") == 2


def test_history_and_as_of(house: House) -> None:
    [first] = house.registry.change([BANK], "ann")
    [second] = house.registry.change([replace(BANK, name="Bank 2")], "bob")
    [third] = house.registry.close_object("principal", "bank", "ann")
    assert house.registry.close_object("principal", "bank", "ann") == []
    assert house.registry.history("principal", "bank") == [first, second, third]
    assert (third.item.status, third.item.name) == ("closed", "Bank 2")  # type: ignore[union-attr]
    assert house.registry.as_of("principal", "bank", first.at - 1) is None
    assert house.registry.as_of("principal", "bank", first.at) == first
    assert house.registry.as_of("principal", "bank", second.at - 1) == first
    assert house.registry.as_of("principal", "bank", third.at + 1) == third


@pytest.mark.parametrize("kind", ["customer", "nonsense"])
def test_what_is_not_there_cannot_be_closed(house: House, kind: str) -> None:
    with pytest.raises(RegistryInvalid, match="not registered"):
        house.registry.close_object(kind, "acme", "ann")


def test_a_change_needs_a_name(house: House) -> None:
    with pytest.raises(ValueError, match="name of who makes it"):
        house.registry.change([BANK], "")


def test_changes_from_many_tasks_follow_one_another(house: House) -> None:
    async def rename(nth: int) -> None:
        await house.registry.change_async([replace(BANK, name=f"Bank {nth}")], "ann")

    async def all_at_once() -> None:
        await asyncio.gather(*(rename(nth) for nth in range(20)))

    asyncio.run(all_at_once())
    history = house.registry.history("principal", "bank")
    assert [version.version for version in history] == list(range(1, 21))
    assert [version.at for version in history] == sorted(version.at for version in history)
    assert house.registry.snapshot.principal("bank") == history[-1].item


def test_the_example_file_imports_once(house: House) -> None:
    data = (EXAMPLES / "registry.toml").read_bytes()
    rehearsed = house.registry.import_toml(data, "ann", dry_run=True)
    assert house.ledger.size == 0
    done = house.registry.import_toml(data, "ann")
    assert rehearsed.added == done.added
    assert len(done.added) == len(done.versions) == house.ledger.size
    kexun = house.registry.snapshot.by_system_id("kexun")
    assert kexun is not None
    assert kexun.smpp is not None
    assert is_password("kexun-01", kexun.smpp.password_hash)
    assert not is_password("kexun-02", kexun.smpp.password_hash)
    again = house.registry.import_toml(data, "ann")
    assert (again.added, again.changed, again.versions) == ((), (), ())
    assert set(again.unchanged) == set(done.added)
    changed = house.registry.import_toml(data.replace(b"kexun-01", b"kexun-02"), "ann")
    assert changed.changed == ("customer:kexun",)
    assert b"kexun-0" not in house.registry.export_toml()
    assert house.registry.import_toml(house.registry.export_toml(), "ann").versions == ()


def test_the_example_tells_story_1(house: House) -> None:
    house.registry.import_toml((EXAMPLES / "registry.toml").read_bytes(), "ann")
    snapshot = house.registry.snapshot
    assert snapshot.mandates("kexun", "hengyue") == ()
    assert "debt" in snapshot.mandates("lvzhou", "hengyue")[0].categories
    taken = house.registry.import_consents(
        BytesIO((EXAMPLES / "consents.csv").read_bytes()), "ann", subject_of=subject_of, time_zone=ZONE
    )
    assert (taken.rows, taken.new, taken.bad_rows) == (3, 3, ())


def test_a_dry_run_finds_what_the_import_would(house: House) -> None:
    with pytest.raises(RegistryInvalid, match="'nobody' is not registered"):
        house.registry.import_toml(b"[[signature]]\nid='AB'\nprincipal='nobody'", "ann", dry_run=True)


# Recipients

ANN, BOB, EVE = (subject_of(f"861380000000{nth}") for nth in range(3))
AGREED = Consent(
    principal="bank", recipient=ANN, category="commercial", wording="v1", channel="web", given_at=START - 100
)


def test_consents_found_in_one_look_up(house: House) -> None:
    given = [
        AGREED,
        replace(AGREED, wording="v2", given_at=START - 50, expires_at=START + 50),
        replace(AGREED, category="finance", expires_at=START - 10),
        replace(AGREED, recipient=BOB, principal="shop", given_at=START + 1000),
    ]
    assert house.registry.record_consents(given, "ann") == 4
    assert house.registry.record_consents([*given, given[0]], "ann") == 0
    conn = house.reader()
    assert store.consents(conn, [ANN, BOB, EVE, ANN], START) == {
        ANN: (("bank", "commercial", 0, "v1", 0), ("bank", "finance", START - 10, "v1", 2))
    }
    assert store.consents(conn, [BOB], START + 1000) == {BOB: (("shop", "commercial", 0, "v1", 3),)}
    assert store.consents(conn, [], START) == {}
    conn.close()
    assert [entry["kind"] for entry in house.entries()] == ["consent/1"] * 4


def test_opt_outs_and_their_withdrawal(house: House) -> None:
    outs = [OptOut(principal=principal, recipient=ANN, at=START) for principal in ("bank", "*")]
    assert house.registry.record_opt_outs(outs, "gateway") == outs
    assert house.registry.record_opt_outs([replace(outs[0], at=START + 5)], "gateway") == []
    conn = house.reader()
    assert store.opted_out(conn, [BOB, ANN, ANN]) == {ANN: ("*", "bank")}
    assert store.opted_out(conn, []) == {}
    back = OptOut(principal="*", recipient=ANN, at=START + 9, source="inbound")
    assert house.registry.withdraw_opt_outs([back, replace(back, recipient=BOB)], "gateway") == [back]
    assert store.opted_out(conn, [ANN]) == {ANN: ("bank",)}
    conn.close()
    told = [(entry["kind"], entry["principal"], entry["state"]) for entry in house.entries()]
    assert told == [
        ("opt_out/1", "bank", "in_force"),
        ("opt_out/1", "*", "in_force"),
        ("opt_out/1", "*", "withdrawn"),
    ]


def test_entries_commit_to_the_subject_and_do_not_show_it(house: House) -> None:
    out = OptOut(principal="bank", recipient=ANN, at=START)
    house.registry.record_consents([AGREED], "ann")
    house.registry.record_opt_outs([out], "ann")
    house.registry.withdraw_opt_outs([out], "ann")
    conn = house.reader()
    openings = conn.execute("SELECT position, subject, opening FROM registry_opening").fetchall()
    conn.close()
    assert len(openings) == 3
    for position, subject, opening in openings:
        leaf = house.ledger.leaf(position)
        assert ANN.encode() not in leaf
        assert subject == ANN
        assert opens(str(decode_entry(leaf)["subject"]), opening, ANN)
    assert len({entry["subject"] for entry in house.entries()}) == 3


def test_an_opt_out_shares_its_transaction_with_other_things(house: House) -> None:
    out = OptOut(principal="bank", recipient=ANN, at=START)

    def job(conn: sqlite3.Connection) -> None:
        store.record_opt_outs_in(conn, house.ledger, [out], at=START, by="inbound")
        raise RuntimeError("the rest of the job failed")

    with pytest.raises(RuntimeError):
        house.writer.call(job)
    conn = house.reader()
    assert store.opted_out(conn, [ANN]) == {}
    conn.close()
    assert house.ledger.size == 0


def test_csv_import_keeps_good_rows_counts_bad_ones_and_may_be_run_again(house: House) -> None:
    house.registry.change([BANK], "ann")
    lines = [f"138{nth:08},bank,commercial,v1,web,2026-01-05" for nth in range(4500)]
    lines[7], lines[4000], lines[4400] = "x", "138,bank", lines[4399]
    data = "\n".join(["number,principal,category,wording,channel,given_at", *lines]).encode()
    for new in (4497, 0):
        taken = house.registry.import_consents(BytesIO(data), "ann", subject_of=subject_of, time_zone=ZONE)
        assert (taken.rows, taken.new, taken.known, taken.bad) == (4500, new, 4498 - new, 2)
        assert [row.line for row in taken.bad_rows] == [9, 4002]
    assert house.ledger.size == 1 + 4497
    kept = house.path.read_bytes() + house.path.with_name(house.path.name + "-wal").read_bytes()
    assert b"13800001234" not in kept


def test_opt_out_import(house: House) -> None:
    house.registry.change([BANK], "ann")
    data = b"number,principal\n13800000000,bank\n13800000001,*\nnonsense,bank\n"
    taken = house.registry.import_opt_outs(BytesIO(data), "ann", subject_of=subject_of, time_zone=ZONE)
    assert (taken.new, taken.bad) == (2, 1)
    conn = house.reader()
    assert store.opted_out(conn, [ANN, BOB, EVE]) == {ANN: ("bank",), BOB: ("*",)}
    conn.close()


def test_every_kind_of_entry_is_explained() -> None:
    for kind in ("registry/1", "consent/1", "opt_out/1"):
        assert KINDS[kind].en
        assert KINDS[kind].zh
