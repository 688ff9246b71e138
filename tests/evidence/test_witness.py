"""Witnesses, and a ledger that asks them: quorum, forks, rollbacks, lies, races, and keys that change."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from evidence import independent_log as independent
from evidence.case_rig import ORIGIN as CASE_ORIGIN
from evidence.case_rig import WANG, issue, make_case, opened, settings
from tideng.evidence.checkpoint import Checkpoint, sign_checkpoint
from tideng.evidence.entries import encode_entry
from tideng.evidence.keys import KeyRefused, signing_key
from tideng.evidence.memory import MemoryLedger
from tideng.evidence.note import verifier_for
from tideng.evidence.publishing import SCHEMA as SEEN
from tideng.evidence.publishing import Publisher, RolledBack, Seen, WitnessFailed
from tideng.evidence.rotation import rotate
from tideng.evidence.sqlite import SCHEMA, SqliteLedger
from tideng.evidence.trust_policy import Group, Party, TrustPolicy
from tideng.evidence.verifier.steps import verify
from tideng.evidence.witness import SCHEMA as WITNESS
from tideng.evidence.witness import Answer, Witness, format_request
from tideng.evidence.witness_door import witness_app
from tideng.storage.sqlite import Writer

ORIGIN = "witnessed.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ME = verifier_for(ORIGIN, KEY)
W0 = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)


def some(count: int, mark: str = "") -> list[bytes]:
    return [encode_entry({"kind": "t/1", "at": 5, "n": n, "mark": mark}) for n in range(count)]


class Log(MemoryLedger):
    """A log in memory that gives what a witness asks for."""

    def __init__(self, mark: str = "") -> None:
        super().__init__(origin=ORIGIN, key=KEY, clock=lambda: 5)
        self.mark = mark

    def grow(self, count: int) -> "Log":
        self.append(some(count, self.mark))
        return self

    def request(self, old: int) -> bytes:
        return format_request(old, self.consistency_proof(old) if old else [], self.checkpoint())


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    with Writer(tmp_path / "witness.db", schema={"witness": WITNESS}) as writer:
        yield made(writer)


def made(writer: Writer, n: int = 0) -> Witness:
    key = Ed25519PrivateKey.from_private_bytes(bytes([n + 1]) * 32)
    return Witness(writer, name=f"w{n}.example", key=key, logs=[ME], clock_s=lambda: 1_800_000_000)


def test_it_cosigns_what_continues(witness: Witness) -> None:
    log = Log()
    sizes = [0]
    for count in (1, 6, 300, 0):
        log.grow(count)
        answer = witness.add_checkpoint(log.request(sizes[-1]))
        assert answer.status == 200
        seen = independent.cosignature_time(
            log.checkpoint() + answer.body, "w0.example", witness.verifier.public
        )
        assert seen == 1_800_000_000
        sizes.append(log.size)
    assert witness.size_of(ORIGIN) == 307


def test_what_it_refuses_and_how(witness: Witness) -> None:
    log, fork = Log().grow(10), Log("fork").grow(10)
    assert witness.add_checkpoint(log.request(0)).status == 200
    small = Log().grow(4)
    stranger = Ed25519PrivateKey.generate()
    conflict = Answer(409, b"10\n", "text/x.tlog.size")
    unproved = Answer(422, b"the consistency proof does not hold\n")
    other_log = sign_checkpoint(Checkpoint("x.example", 1, b"r" * 32), KEY)
    other_key = sign_checkpoint(Checkpoint(ORIGIN, 10, log.root(10)), stranger)
    cases = {
        "rollback": (small.request(0), conflict),
        "old size unknown": (log.grow(5).request(4), conflict),
        "fork of the same size": (fork.request(10), conflict),
        "fork that grew": (fork.grow(5).request(10), unproved),
        "no proof": (format_request(10, [], log.checkpoint()), unproved),
        "old beyond new": (
            format_request(11, [], small.checkpoint()),
            Answer(400, b"the old size is beyond the checkpoint\n"),
        ),
        "another ledger": (format_request(0, [], other_log), Answer(404, b"this ledger is not known here\n")),
        "another key": (
            format_request(10, [], other_key),
            Answer(403, b"no known key signed this checkpoint\n"),
        ),
    }
    for name, (body, answer) in cases.items():
        assert (name, witness.add_checkpoint(body)) == (name, answer)
    assert witness.size_of(ORIGIN) == 10
    assert witness.add_checkpoint(log.request(10)).status == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"old 0\n", b"old -1\n\nx", b"old 01\n\nx", b"new 0\n\nx", b"old 0\nAAAA\n\nx", b"old 0\n!\n\nx",
     b"old 0\n\nnot a note", b"old 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\nx", b"\xff\n\nx"],
)  # fmt: skip
def test_what_is_no_request(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400


def test_proof_from_nothing_must_be_empty(witness: Witness) -> None:
    log = Log().grow(3)
    assert witness.add_checkpoint(format_request(0, [b"h" * 32], log.checkpoint())).status == 422


def test_two_requests_at_once_are_one_after_the_other(witness: Witness) -> None:
    log = Log().grow(5)
    requests = [log.request(0)]
    for _ in range(7):
        requests.append(log.grow(3).request(0))
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda body=body: answers.append(witness.add_checkpoint(body).status))
        for body in requests
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7


def test_what_it_saw_survives_and_the_door_says_so(tmp_path: Path) -> None:
    log = Log().grow(10)
    with Writer(tmp_path / "w.db", schema={"witness": WITNESS}) as writer:
        assert made(writer).add_checkpoint(log.request(0)).status == 200
    with (
        Writer(tmp_path / "w.db", schema={"witness": WITNESS}) as writer,
        TestClient(witness_app(made(writer))) as client,
    ):
        answer = client.post("/add-checkpoint", content=log.request(0))
        assert (answer.status_code, answer.text) == (409, "10\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
        answer = client.post("/add-checkpoint", content=log.grow(1).request(10))
        assert answer.status_code == 200
        assert answer.text.startswith("— w0.example ")
        assert client.get("/add-checkpoint").status_code == 405


# The ledger's side


class Town:
    """A ledger on disk, and three witnesses reached without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writers = [Writer(folder / f"w{n}.db", schema={"witness": WITNESS}) for n in range(3)]
        self.witnesses = [made(writer, n) for n, writer in enumerate(self.writers)]
        self.keys = Writer(folder / "keys.db", schema={"seen": SEEN})
        self.down: set[int] = set()
        self.spoil: Callable[[int, Answer], Answer] = lambda n, answer: answer
        parties = tuple(Party(f"W{n}", w.verifier, f"http://w{n}") for n, w in enumerate(self.witnesses))
        self.policy = TrustPolicy((), parties, (Group("two", 2, ("W0", "W1", "W2")),), "two")
        self.open("ledger.db")

    def open(self, name: str) -> None:
        self.writer = Writer(self.folder / name, schema={"evidence": SCHEMA})
        self.ledger = SqliteLedger(self.writer, origin=ORIGIN, key=KEY, clock=lambda: 5)
        seen = Seen(self.keys, ORIGIN)
        self.publisher = Publisher(self.writer, self.ledger, seen, self.policy, self.post)

    def post(self, url: str, body: bytes) -> tuple[int, str, bytes]:
        n = int(url.removeprefix("http://w").split("/")[0])
        assert url.endswith("/add-checkpoint")
        if n in self.down:
            raise WitnessFailed(f"w{n} did not answer")
        answer = self.spoil(n, self.witnesses[n].add_checkpoint(body))
        return answer.status, answer.media_type, answer.body

    def grow(self, count: int, mark: str = "") -> None:
        self.ledger.append(some(count, mark))
        self.ledger.checkpoint()

    def close(self) -> None:
        self.ledger.close()
        self.writer.close()

    def shut(self) -> None:
        self.close()
        for writer in (*self.writers, self.keys):
            writer.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made_up = Town(tmp_path)
    yield made_up
    made_up.shut()


def test_a_checkpoint_is_shown_once_two_have_seen_it(town: Town) -> None:
    town.grow(3)
    assert town.publisher.latest() is None
    town.down = {2}
    done = town.publisher.publish()
    assert done is not None
    assert (done.size, done.is_witnessed, done.problems) == (3, True, ("w2 did not answer",))
    assert town.publisher.latest() == done.note
    town.grow(4)
    town.down = {1, 2}
    alone = town.publisher.publish()
    assert alone is not None
    assert not alone.is_witnessed
    assert "not met" in alone.problems[-1]
    assert town.publisher.latest() == done.note  # the last one that was seen is still the one shown
    town.down = set()
    again = town.publisher.publish()
    assert again is not None
    assert (again.size, again.is_witnessed, again.problems) == (7, True, ())
    name, public = "w1.example", town.witnesses[1].verifier.public
    assert independent.cosignature_time(town.publisher.latest(), name, public) == 1_800_000_000


def test_a_lying_witness_is_one_less(town: Town) -> None:
    town.grow(3)

    def lie(n: int, answer: Answer) -> Answer:
        if n == 0:
            return Answer(
                200, town.witnesses[1].add_checkpoint(b"").body or "— w0.example AAAAAAAA\n".encode()
            )
        if n == 1:
            return Answer(409, b"999999\n", "text/x.tlog.size")
        return answer

    town.spoil = lie
    done = town.publisher.publish()
    assert done is not None
    assert not done.is_witnessed
    assert len(done.problems) == 3
    assert any("W0" in each and "does not hold" in each for each in done.problems)
    assert any("W1" in each and "999999" in each for each in done.problems)
    town.spoil = lambda n, answer: Answer(500) if n == 2 else answer
    again = town.publisher.publish()
    assert again is not None
    assert again.is_witnessed


def test_an_old_backup_refuses_to_start(town: Town) -> None:
    town.grow(300)
    town.publisher.publish()
    town.close()
    shutil.copy(town.folder / "ledger.db", town.folder / "backup.db")
    town.open("ledger.db")
    town.grow(5)
    town.publisher.publish()
    town.close()
    town.open("backup.db")
    with pytest.raises(RolledBack, match="saw 305 entries; this ledger holds 300"):
        town.publisher.check_start()
    # Our own memory lost with it, the witnesses still remember.
    town.keys.call(lambda conn: conn.execute("DELETE FROM seen"))
    with pytest.raises(RolledBack, match="witness W0 saw 305"):
        town.publisher.check_start()
    town.down = {0, 1, 2}
    assert len(town.publisher.check_start()) == 3


def test_two_copies_of_one_ledger_cannot_both_go_on(town: Town) -> None:
    """Compare-and-swap: whichever notes its checkpoint second does not continue the first."""
    town.grow(10)
    town.publisher.publish()
    town.close()
    shutil.copy(town.folder / "ledger.db", town.folder / "copy.db")
    town.open("ledger.db")
    one_publisher, one_close = town.publisher, town.close
    town.grow(3, "one")
    first_ledger, first_writer = town.ledger, town.writer
    town.open("copy.db")
    town.grow(4, "two")
    assert town.publisher.publish() is not None
    with pytest.raises(RolledBack):
        one_publisher.publish()
    first_ledger.close()
    first_writer.close()
    assert one_close is not None


def test_the_same_size_with_another_root_is_met(town: Town) -> None:
    town.grow(10)
    town.publisher.publish()
    town.close()
    town.open("other.db")
    town.grow(10, "other")
    with pytest.raises(RolledBack, match="other first 10 entries"):
        town.publisher.publish()


# Keys


def test_a_key_is_replaced_and_everything_still_verifies(tmp_path: Path) -> None:
    told = make_case(tmp_path)
    before = issue(tmp_path, number=WANG).content
    with opened(tmp_path) as (store, _):
        old = store.ledger.verifier
        new = rotate(store.writer, store.ledger, tmp_path / "ledger.key", by="ops")
    assert new.public != old.public
    with opened(tmp_path) as (store, _):
        assert store.ledger.verifier == new
        assert store.ledger.retired == [old]
        store.ledger.append(some(2))
        store.ledger.checkpoint()
        assert store.ledger.verify().is_intact
    after = issue(tmp_path, messages=(told.refused,)).content
    assert verify(before).is_verified
    report = verify(after)
    assert report.is_verified, report.says
    assert len(report.keys) == 2


def test_a_forged_successor_is_not_a_retired_key(tmp_path: Path) -> None:
    from tideng.evidence import landmarks
    from tideng.evidence.landmarks import KeyEntry
    from tideng.evidence.note import encode_vkey

    make_case(tmp_path)
    thief = verifier_for("test.example/ledger", Ed25519PrivateKey.generate())
    with opened(tmp_path) as (store, _):
        entry = KeyEntry(
            at=1, by="x", new=encode_vkey(store.ledger.verifier), old=encode_vkey(thief), signature="00" * 64
        )
        store.writer.call(lambda conn: landmarks.record_in(conn, store.ledger, entry))
    with opened(tmp_path) as (store, _):
        assert store.ledger.retired == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    signing_key(tmp_path / "witness.key")
    (tmp_path / "witness.key").chmod(mode)
    with pytest.raises(KeyRefused, match="chmod 600"):
        signing_key(tmp_path / "witness.key")


def test_a_witnessed_bundle(tmp_path: Path) -> None:
    """The bundle's checkpoint carries the quorum, and its policy asks for it."""
    from tideng.assembly.evidence import make_issuer
    from tideng.evidence.issuing import Request
    from tideng.evidence.settings import EvidenceSettings
    from tideng.evidence.trust_policy import format_policy

    make_case(tmp_path / "data")
    town = Town(tmp_path)
    (tmp_path / "policy").write_bytes(format_policy(town.policy))
    chosen = settings(tmp_path / "data", evidence=EvidenceSettings(witness_policy=str(tmp_path / "policy")))
    with opened(tmp_path / "data") as (store, _):
        keys = [Ed25519PrivateKey.from_private_bytes(bytes([n + 1]) * 32) for n in range(3)]
        town.witnesses = [
            Witness(w, name=f"w{n}.example", key=keys[n], logs=[store.ledger.verifier], clock_s=lambda: 9)
            for n, w in enumerate(town.writers)
        ]
        publisher = Publisher(store.writer, store.ledger, store.seen, town.policy, town.post)

        def cosigned(size: int) -> bytes:
            done = publisher.publish()
            assert done is not None
            assert done.size >= size
            return done.note

        issuer = make_issuer(store, chosen, with_pdf=False)
        request = Request(number=WANG, case="1", by="b", purpose="c")
        content = issuer.issue(request, b"{}", cosigned=cosigned).content
    report = verify(content)
    assert report.is_verified, report.says
    assert "3 witnesses of quorum 'two'" in report.says[2]
    town.shut()


def test_an_old_copy_does_not_start_until_the_loss_is_admitted(tmp_path: Path) -> None:
    """Through the commands: restore an old tideng.db beside the present seen.db."""
    from typer.testing import CliRunner

    from tideng.assembly.evidence import make_publisher
    from tideng.cli.main import app

    def command(*words: str, exits: int) -> str:
        done = CliRunner().invoke(app, ["--data", str(tmp_path), *words], env={"TIDENG_ORIGIN": CASE_ORIGIN})
        assert done.exit_code == exits, done.output
        return done.output

    def publish() -> None:
        with opened(tmp_path) as (store, _):
            store.ledger.append(some(3))
            store.ledger.checkpoint()
            make_publisher(store, settings(tmp_path)).publish()

    make_case(tmp_path)
    publish()
    shutil.copy(tmp_path / "tideng.db", tmp_path / "backup")
    publish()
    assert "nothing is lost" in command("ledger", "admit-loss", "--reason", "x", exits=1)
    shutil.copy(tmp_path / "backup", tmp_path / "tideng.db")
    assert "an old copy" in command("subject", "export", "13800138000", exits=2)
    assert "recorded as entry" in command("ledger", "admit-loss", "--reason", "disk died", exits=0)
    command("subject", "export", "13800138000", exits=0)
    publish()
    with opened(tmp_path) as (store, _):
        assert store.ledger.verify().is_intact


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from evidence.test_witness import WITNESS, Log, made
from tideng.storage.sqlite import Writer
with Writer(Path(sys.argv[1]), schema={"witness": WITNESS}) as writer:
    witness, log = made(writer), Log()
    log.grow(1)
    while log.size < witness.size_of(log.origin):
        log.grow(3)
    while True:
        old = witness.size_of(log.origin)
        answer = witness.add_checkpoint(log.grow(3).request(old))
        print(log.size if answer.status == 200 else -answer.status, flush=True)
"""


def test_kill_9_while_witnessing_forgets_nothing_that_was_cosigned(tmp_path: Path) -> None:
    path, tests = tmp_path / "w.db", str(Path(__file__).parents[1])
    for rounds in (3, 9):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), tests], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(rounds)]
        child.kill()
        lines += child.stdout.readlines()
        child.stdout.close()
        assert child.wait(10) == -9
        sizes = [int(line) for line in lines if line.endswith("\n")]
        assert min(sizes) > 0
        with Writer(path, schema={"witness": WITNESS}) as writer:
            witness = made(writer)
            seen = witness.size_of(ORIGIN)
            assert seen >= max(sizes)
            fork = Log("fork").grow(seen + 5)
            assert witness.add_checkpoint(fork.request(seen)).status == 422
            assert witness.add_checkpoint(fork.request(0)).status == 409
