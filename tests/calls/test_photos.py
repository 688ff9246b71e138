"""Photographs of a case: what one is, how many are kept, and that the ledger knows each before it is kept."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from calls.pictures import JPEG, WEBP, png
from tideng.assembly import open_embedded
from tideng.assembly.calls import take_photo
from tideng.calls.cases import SqliteVisits, Visit
from tideng.calls.photos import (
    OCTETS_MAX,
    PHOTOS_MAX,
    SUBJECTS,
    Before,
    MemoryPhotos,
    Photo,
    PhotoInvalid,
    Photos,
    PhotoUnknown,
    SqlitePhotos,
    nothing,
    photo_of,
)
from tideng.cli.main import app
from tideng.evidence.entries import decode_entry
from tideng.gateway.store.store import Store
from tideng.settings import Settings

CASE = "c0ffee" + "0" * 26
VISIT = Visit(
    id=CASE,
    line="862155500000",
    opened_at=1,
    tier="suspend",
    calls_placed=9,
    first_call_at=1,
    alarm_at=2,
    score=5.0,
    threshold=4.0,
    reasons=(),
    opening="ab" * 32,
)


def made(octets: bytes, *, case: str = CASE, what: str = "") -> Photo:
    return photo_of(octets, case=case, at=7, by="mei", what=what)


def refused(octets: bytes, problem: str, *, what: str = "") -> str:
    with pytest.raises(PhotoInvalid) as caught:
        made(octets, what=what)
    assert caught.value.problem == problem
    return str(caught.value)


@pytest.mark.parametrize(
    ("octets", "kind"), [(JPEG, "image/jpeg"), (png(), "image/png"), (WEBP, "image/webp")]
)
def test_a_photograph_is_known_by_its_octets(octets: bytes, kind: str) -> None:
    photo = made(octets, what="box")
    assert (photo.kind, photo.size, photo.what) == (kind, len(octets), "box")
    assert photo.id == hashlib.sha256(octets).hexdigest()


@pytest.mark.parametrize(
    "octets",
    [
        b"a text renamed .jpg",
        b"\xff\xd8",
        png()[1:],
        b"RIFF\x1a\x00\x00\x00WAVEfmt ",
        b"RIFF",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + bytes(20),
        bytes(4) + b"ftypheic" + bytes(20),
    ],
)
def test_what_is_no_picture_of_these_kinds_is_refused(octets: bytes) -> None:
    said = refused(octets, "kind")
    assert octets[:8].hex(" ") in said
    assert "send it as JPEG" in said


def test_limits_are_said_with_value_limit_and_next_step() -> None:
    assert made(JPEG.ljust(OCTETS_MAX, b"\x00")).size == OCTETS_MAX
    said = refused(JPEG.ljust(OCTETS_MAX + 1, b"\x00"), "too_large")
    assert "12,000,001" in said
    assert "12,000,000" in said
    assert "smaller" in said
    assert "choose a file" in refused(b"", "empty")
    assert "box, wiring, telephone, papers" in refused(JPEG, "subject", what="a person")
    assert list(SUBJECTS) == ["box", "wiring", "telephone", "papers"]


@pytest.fixture(params=["memory", "sqlite"])
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Photos]:
    if request.param == "memory":
        yield MemoryPhotos()
        return
    kept = SqlitePhotos(tmp_path / "photos.db")
    yield kept
    kept.shut()


def test_photographs_come_back_in_order_of_arrival_octet_for_octet(photos: Photos) -> None:
    sent = [png(3), JPEG, png(1), WEBP]
    assert all(photos.add(made(octets), octets) for octets in sent)
    assert photos.add(made(JPEG, case="other"), JPEG)
    assert photos.of_case(CASE) == [made(octets) for octets in sent]
    assert [photos.get(CASE, made(octets).id) for octets in sent] == [(made(o), o) for o in sent]
    assert (photos.count(CASE), photos.count("other"), photos.count("none")) == (4, 1, 0)
    assert photos.of_case("none") == []


def test_the_same_picture_twice_is_one_and_stays_as_it_was(photos: Photos) -> None:
    told: list[str] = []
    assert photos.add(made(JPEG, what="box"), JPEG, lambda: told.append("box"))
    assert not photos.add(made(JPEG, what="papers"), JPEG, lambda: told.append("papers"))
    assert told == ["box"]
    assert [photo.what for photo in photos.of_case(CASE)] == ["box"]
    assert photos.add(made(JPEG, case="other"), JPEG)


def test_a_photograph_of_another_case_is_unknown(photos: Photos) -> None:
    photos.add(made(JPEG), JPEG)
    for case, id in (("other", made(JPEG).id), (CASE, made(WEBP).id), (CASE, "")):
        with pytest.raises(PhotoUnknown):
            photos.get(case, id)


def test_a_case_has_at_most_so_many(photos: Photos) -> None:
    for seed in range(PHOTOS_MAX):
        assert photos.add(made(png(seed)), png(seed))
    with pytest.raises(PhotoInvalid, match=f"has {PHOTOS_MAX} photographs; limit is {PHOTOS_MAX}"):
        photos.add(made(JPEG), JPEG, lambda: pytest.fail("there is no room"))
    assert not photos.add(made(png(0)), png(0))
    assert photos.count(CASE) == PHOTOS_MAX
    assert photos.add(made(JPEG, case="other"), JPEG)


def test_what_cannot_be_recorded_is_not_kept(photos: Photos) -> None:
    def full() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        photos.add(made(JPEG), JPEG, full)
    assert photos.of_case(CASE) == []
    assert photos.add(made(JPEG), JPEG)


def test_what_cannot_be_kept_is_not_recorded(tmp_path: Path) -> None:
    photos = SqlitePhotos(tmp_path / "photos.db")
    other = sqlite3.connect(tmp_path / "photos.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    photos._db.execute("PRAGMA busy_timeout=1")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        photos.add(made(JPEG), JPEG, lambda: pytest.fail("recorded, but not kept"))
    other.execute("ROLLBACK")
    assert photos.add(made(JPEG), JPEG)
    other.close()
    photos.shut()


def test_what_sqlite_kept_is_there_after_it_was_shut(tmp_path: Path) -> None:
    first = SqlitePhotos(tmp_path / "photos.db")
    first.add(made(JPEG), JPEG)
    first.shut()
    again = SqlitePhotos(tmp_path / "photos.db")
    assert again.get(CASE, made(JPEG).id) == (made(JPEG), JPEG)
    again.shut()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_embedded(Settings(data=str(tmp_path / "data")))
    yield opened
    opened.close()


def recorded(store: Store) -> list[dict[str, object]]:
    found = [decode_entry(store.ledger.leaf(index)) for index in range(store.ledger.size)]
    return [entry for entry in found if entry["kind"] == "call_photo/1"]


def take(photos: Photos, store: Store, octets: bytes) -> bool:
    return take_photo(photos, store.ledger, VISIT, octets, what="wiring", by="mei")[1]


def test_each_photograph_is_recorded_once(photos: Photos, store: Store) -> None:
    assert [take(photos, store, octets) for octets in (JPEG, JPEG, WEBP)] == [True, False, True]
    first, second = recorded(store)
    assert (
        first.items()
        >= {
            "alarm": CASE,
            "by": "mei",
            "photo": hashlib.sha256(JPEG).hexdigest(),
            "size": len(JPEG),
            "what": "wiring",
        }.items()
    )
    assert second["photo"] == hashlib.sha256(WEBP).hexdigest()
    assert photos.of_case(CASE)[0].at == first["at"]


def test_what_is_refused_is_neither_recorded_nor_kept(photos: Photos, store: Store) -> None:
    for seed in range(PHOTOS_MAX):
        photos.add(made(png(seed)), png(seed))
    for octets in (b"", b"text", JPEG):
        with pytest.raises(PhotoInvalid):
            take(photos, store, octets)
    assert (recorded(store), photos.count(CASE)) == ([], PHOTOS_MAX)


def test_a_photograph_is_recorded_before_it_is_kept(store: Store) -> None:
    seen: list[list[str]] = []

    class Watched(MemoryPhotos):
        def add(self, photo: Photo, octets: bytes, first: Before = nothing) -> bool:
            def told() -> None:
                first()
                seen.append([str(entry["photo"]) for entry in recorded(store)])
                assert self.of_case(photo.case) == []

            return super().add(photo, octets, told)

    take(Watched(), store, JPEG)
    assert seen == [[made(JPEG).id]]


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    data = tmp_path / "data"
    open_embedded(Settings(data=str(data))).close()

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, ["--data", str(data), "calls", "photo", *words])

    return invoke


def test_the_command_attaches_once_and_refuses_with_a_sentence(run: Run, tmp_path: Path) -> None:
    picture, text = tmp_path / "box.txt", tmp_path / "text.jpg"
    picture.write_bytes(JPEG)
    text.write_text("no picture")
    early = run(CASE, str(picture))
    assert (early.exit_code, "there are no cases yet" in early.stderr) == (2, True)
    folder = tmp_path / "data" / "calls"
    folder.mkdir()
    visits = SqliteVisits(folder / "visits.db")
    visits.open(VISIT)
    visits.shut()
    done = [run(CASE[:8], str(picture), "--what", "box", "--by", "lan", "--json") for _ in range(2)]
    told = [json.loads(one.stdout) for one in done]
    id = hashlib.sha256(JPEG).hexdigest()
    assert told[0] == {"case": CASE, "photo": id, "size": len(JPEG), "what": "box", "new": True}
    assert told[1] == {**told[0], "new": False}
    assert "had been attached before" in run(CASE, str(picture)).stdout
    with open(tmp_path / "large.jpg", "wb") as large:
        large.truncate(OCTETS_MAX + 1)
    for words, said in (
        ((CASE, str(text)), "send it as JPEG"),
        ((CASE, str(tmp_path / "large.jpg")), "limit is 12,000,000"),
        ((CASE, str(tmp_path / "none.jpg")), "No such file"),
        ((CASE, str(picture), "--what", "cat"), "choose one of box"),
        (("beef", str(picture)), "0 cases begin with"),
    ):
        wrong = run(*words)
        assert (wrong.exit_code, said in " ".join(wrong.stderr.split())) == (2, True), wrong.stderr
    photos = SqlitePhotos(folder / "photos.db")
    assert [(photo.id, photo.by) for photo in photos.of_case(CASE)] == [(id, "lan")]
    photos.shut()
