"""Erasing a person destroys what opens their entries, in the files too, and no proof; holds and terms."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from evidence.bundle_corpus import unpack
from evidence.case_rig import DEBT, LI, WANG, issue, make_case, opened, settings
from tideng.assembly.evidence import make_indexer
from tideng.evidence.entries import decode_entry
from tideng.evidence.index_audit import Audit, audit_index
from tideng.evidence.retention import DAY_US, RetentionInvalid, load_retention
from tideng.evidence.verifier.steps import verify
from tideng.gateway.registry.store import opted_out
from tideng.gateway.store import queries
from tideng.gateway.store.concerned import GatewayConcerned
from tideng.gateway.store.keeping import Keeping
from tideng.gateway.store.persons import Erased, NotErased, Persons

SHIPPED = Path(__file__).parents[2] / "src/tideng/evidence/retention.toml"


def end_waiting(folder: Path) -> None:
    """What waits in the outbox ends as a carrier's refusal would end it."""
    with opened(folder) as (store, _):
        store.writer.call(
            lambda conn: conn.execute("UPDATE message SET state = 'failed' WHERE state = 'queued'")
        )
        store.writer.call(lambda conn: conn.execute("DELETE FROM outbox"))


def erase(folder: Path, number: str) -> Erased:
    with opened(folder) as (store, _):
        return Persons(store, make_indexer(store, settings(folder))).erase(number, basis="request", by="dpo")


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def key_of(folder: Path, number: str) -> bytes:
    with opened(folder) as (store, _):
        return store.key_for(store.subject(number))


def test_erasing_leaves_proofs_and_old_bundles_as_they_were(tmp_path: Path) -> None:
    told = make_case(tmp_path)
    old = issue(tmp_path, number=WANG).content
    end_waiting(tmp_path)
    done = erase(tmp_path, WANG)
    assert done.opt_outs_kept == 1
    assert verify(old).is_verified
    new = issue(tmp_path, messages=(told.refused,))
    report = verify(new.content)
    assert report.is_verified
    assert new.opened == 0  # nobody can open it again
    with opened(tmp_path) as (store, _):
        entry = decode_entry(store.ledger.leaf(done.position))
        assert (entry["kind"], entry["records"]) == ("erasure/1", done.records)
        assert store.ledger.verify().is_intact
        assert opted_out(store.reader, [store.subject(WANG)]) == {store.subject(WANG): ("library",)}
        row = queries.message(store.reader, told.refused)
        assert row is not None
        assert queries.opened(store, row) is None
    brought = issue(tmp_path, number=WANG)  # the person brings the number: completeness is still provable
    files = unpack(brought.content)
    assert verify(brought.content).is_verified
    held = [i["held"] for i in json.loads(files["completeness.json"])["intervals"] if i["held"]]
    assert sum(len(each["indices"]) for each in held) == 3
    assert DEBT.encode() not in b"".join(files.values())


def test_the_bytes_are_gone_from_every_file(tmp_path: Path) -> None:
    make_case(tmp_path)
    end_waiting(tmp_path)
    with opened(tmp_path) as (store, _):
        subject, name = store.subject(WANG), store.names.name(WANG)
        [sealed] = store.reader.execute(
            "SELECT coalesce(max(number), x'') FROM subject_name WHERE subject = ?", (subject,)
        ).fetchone()
    key, other = key_of(tmp_path, WANG), key_of(tmp_path, LI)
    assert key in all_bytes(tmp_path)
    assert sealed or name in all_bytes(tmp_path)
    erase(tmp_path, WANG)
    with opened(tmp_path) as (store, _):
        assert (
            store.reader.execute("SELECT 1 FROM subject_name WHERE subject = ?", (subject,)).fetchone()
            is None
        )
    left = all_bytes(tmp_path)
    assert key not in left
    assert name not in left
    assert not sealed or sealed not in left
    assert other in left
    assert WANG.encode() not in left
    assert DEBT.encode() not in left


def test_erasing_again_is_harmless_and_messages_afterwards_are_recorded(tmp_path: Path) -> None:
    make_case(tmp_path)
    end_waiting(tmp_path)
    assert erase(tmp_path, WANG).position < erase(tmp_path, WANG).position
    told = make_case(tmp_path)  # the same people are written to again
    with opened(tmp_path) as (store, _):
        row = queries.message(store.reader, told.refused)
        assert row is not None
        assert row.action == "refuse"
        assert queries.opened(store, row) is None
        assert store.ledger.verify().is_intact


def test_what_stands_in_the_way(tmp_path: Path) -> None:
    make_case(tmp_path)
    with pytest.raises(NotErased, match="still wait"):
        erase(tmp_path, LI)
    end_waiting(tmp_path)
    with opened(tmp_path) as (store, _):
        persons = Persons(store, make_indexer(store, settings(tmp_path)))
        assert persons.hold(WANG, "7", by="court")
        assert not persons.hold(WANG, "7", by="court")
        with pytest.raises(NotErased, match="case 7"):
            persons.erase(WANG, basis="request", by="dpo")
        assert persons.release(WANG, "7", by="court")
        assert not persons.release(WANG, "7", by="court")
        persons.erase(WANG, basis="request", by="dpo")


def test_a_person_sees_what_is_kept(tmp_path: Path) -> None:
    told = make_case(tmp_path)
    with opened(tmp_path) as (store, _):
        shown = Persons(store, make_indexer(store, settings(tmp_path))).export(WANG)
        nobody = Persons(store, make_indexer(store, settings(tmp_path))).export("8613012345678")
    assert [message["id"] for message in shown["messages"]] == [str(told.sent), str(told.refused)]
    assert shown["messages"][1]["text"] == DEBT
    assert shown["opt_outs"][0]["principal"] == "library"
    assert not nobody["messages"] + nobody["replies"] + nobody["consents"]
    json.dumps(shown)


# Retention


def test_terms_are_kept_and_holds_respected(tmp_path: Path) -> None:
    told = make_case(tmp_path)
    end_waiting(tmp_path)
    policy = load_retention(SHIPPED.read_bytes())
    with opened(tmp_path) as (store, _):
        indexer = make_indexer(store, settings(tmp_path))
        Persons(store, indexer).hold(WANG, "7", by="court")
        keeping = Keeping(store, indexer, policy)
        now = store.now()
        early, late = now + 1095 * DAY_US, now + 1097 * DAY_US
        assert keeping.run(early, by="cron") is None
        before = store.ledger.size
        due = keeping.due(late)
        assert (due.messages, due.held) == (6, 2)
        assert store.ledger.size == before  # a dry run changes nothing
        done = keeping.run(late, by="cron")
        assert done is not None
        assert done[0] == due
        entry = decode_entry(store.ledger.leaf(done[1]))
        assert (entry["messages"], entry["held"], entry["policy"]) == (6, 2, policy.hash)
        assert keeping.run(late, by="cron") is None
        held, gone = (queries.message(store.reader, m) for m in (told.refused, told.others[-1]))
        assert held is not None
        assert gone is not None
        assert queries.opened(store, held) is not None
        assert queries.opened(store, gone) is None
        assert store.ledger.verify().is_intact
    assert verify(issue(tmp_path, number=LI).content).is_verified


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keep_days = 1096", "keep_days = 100"),
        ("floor_days = 183", "floor_days = 2000"),
        ("[reply]", "[replies]"),
        ("keep_days = 1096", "keep_days = 'x'"),
        ("version", "versions"),
    ],
)
def test_a_policy_below_the_law_is_refused(old: str, new: str) -> None:
    with pytest.raises(RetentionInvalid):
        load_retention(SHIPPED.read_text("utf-8").replace(old, new).encode())


def test_an_examiner_recomputes_the_index(tmp_path: Path) -> None:
    """What the operator left out when the index was written, which no bundle can show."""
    make_case(tmp_path)
    issue(tmp_path, number=WANG)
    end_waiting(tmp_path)
    erase(tmp_path, WANG)

    def audit() -> Audit:
        with opened(tmp_path) as (store, _), closing(store.writer.reader()) as conn:
            return audit_index(conn, store.ledger, GatewayConcerned(store), store.names)

    found = audit()
    assert found.problems == ()
    assert found.unnameable == 3  # Wang's two decisions, and his stop, which has no subject any more
    assert found.confirmed == found.entries - found.unnameable
    with opened(tmp_path) as (store, _):
        store.writer.call(
            lambda conn: conn.execute(
                "UPDATE index_label SET indices = substr(indices, 1, length(indices) - 8) "
                "WHERE label = (SELECT min(label) FROM index_label)"
            )
        )
    problems = " ".join(audit().problems)
    assert "is not the one whose root" in problems
    assert "the map holds" in problems
