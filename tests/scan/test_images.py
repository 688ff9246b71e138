"""Disk images give up what is in their files, what was deleted, and what lies in no file; no byte twice."""

import io
import itertools
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan.disks import disk, e01, ext4, fat, ntfs, write_tree
from scan.piles import scanned
from tideng.scan.corpus import HEADER, Maker, workbook_bytes
from tideng.scan.readers.blocks import Budget, Part, Unread
from tideng.scan.readers.carving import PIECE_BYTES, carved
from tideng.scan.readers.images import segments_of
from tideng.scan.readers.open import parts_of
from tideng.scan.readers.ranges import Range, Ranges
from tideng.scan.run import Outcome

PEOPLE = [Maker(seed).person() for seed in range(100, 140)]


def text(first: int, last: int) -> str:
    return "".join(f"联系{p.name}，身份证{p.id}，电话{p.mobile}\n" for p in PEOPLE[first:last])


def book(first: int, last: int) -> bytes:
    return workbook_bytes([HEADER, *(p.row for p in PEOPLE[first:last])])


def packed(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.txt", data)
    return out.getvalue()


def scan(folder: Path, *images: Path) -> Outcome:
    (folder / "in").mkdir()
    for image in images:
        image.rename(folder / "in" / image.name)
    return scanned(folder / "in", folder / "out")


def names(folder: Path) -> list[str]:
    tables = [pq.read_table(path) for path in (folder / "out" / "members").glob("*.parquet")]
    return [name.partition("!")[2] for table in tables for name in table["name"].to_pylist()]


def test_files_deleted_text_and_slack_of_ext4(tmp_path: Path) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "客户/名单.txt": text(0, 10).encode("gb18030"),
            "客户/旧/book.xlsx": book(10, 20),
            "gone.txt": text(20, 25).encode(),
            "a.zip": packed(text(25, 30).encode()),
        },
    )
    outcome = scan(tmp_path, ext4(tmp_path / "seized.dd", tree, without="/gone.txt"))
    assert outcome.persons.with_id == 30
    assert outcome.unread_by_reason == {}
    assert {"客户/名单.txt", "客户/旧/book.xlsx", "a.zip!list.txt", "(no file)"} <= set(names(tmp_path))
    # Nobody is seen twice: what a file holds is not carved again.
    assert outcome.records == 30


def test_a_deleted_archive_is_opened_where_its_place_is_free(tmp_path: Path) -> None:
    files = {"kept.txt": text(0, 3).encode(), "gone.zip": packed(text(3, 9).encode())}
    outcome = scan(tmp_path, fat(tmp_path / "stick.img", files, without="gone.zip"))
    assert outcome.persons.with_id == 9
    assert any(name.endswith("(deleted)!list.txt") for name in names(tmp_path))


def test_a_deleted_file_whose_place_was_taken_is_not_read_as_itself(tmp_path: Path) -> None:
    image = fat(tmp_path / "stick.img", {"gone.txt": text(0, 3).encode()}, without="gone.txt")
    again = tmp_path / "again.img"
    again.write_bytes(image.read_bytes())
    source = tmp_path / "new"
    source.write_bytes(text(3, 6).encode())
    subprocess.run(["mcopy", "-i", str(again), str(source), "::/new.txt"], check=True)
    image.unlink()
    outcome = scan(tmp_path, again)
    assert outcome.persons.with_id == outcome.records == 3
    assert not any("(deleted)" in name for name in names(tmp_path))


def test_a_small_file_in_the_mft_counts_once(tmp_path: Path) -> None:
    small, large = text(0, 1).encode(), text(1, 30).encode() + b" " * 5000
    outcome = scan(tmp_path, ntfs(tmp_path / "laptop.img", {"small.txt": small, "large.txt": large}))
    assert outcome.persons.with_id == outcome.records == 30
    assert {"small.txt", "large.txt"} <= set(names(tmp_path))


def test_volumes_of_a_disk_and_the_gap_before_them(tmp_path: Path) -> None:
    one = fat(tmp_path / "one", {"a.txt": text(0, 4).encode()})
    tree = write_tree(tmp_path / "tree", {"b.txt": text(4, 8).encode()})
    two = ext4(tmp_path / "two", tree)
    gap = b"\x07" * 99 + text(8, 9).encode("utf-16-le") + b"\x00" * 99 + text(9, 10).encode("utf-16-be")
    outcome = scan(tmp_path, disk(tmp_path / "disk.img", [one, two], gap=gap))
    assert outcome.persons.with_id == outcome.records == 10
    assert {"volume 1/a.txt", "volume 2/b.txt"} <= set(names(tmp_path))


def test_segments_of_an_e01_are_one_image(tmp_path: Path) -> None:
    noise = os.urandom(4_000_000)
    files = {"名单.txt": text(0, 10).encode(), "noise.bin": noise}
    raw = ext4(tmp_path / "raw", write_tree(tmp_path / "tree", files))
    segments = e01(tmp_path / "case", raw)
    assert len(segments) > 3
    outcome = scan(tmp_path, *segments)
    assert outcome.persons.with_id == 10
    # What is noise in the image is as large a part of what lies on disk.
    assert outcome.unread_by_reason.keys() == {"binary"}
    assert len(segments_of(str(tmp_path / "in" / "case.E01"))) == len(segments)


def test_a_segment_without_its_first_is_listed(tmp_path: Path) -> None:
    raw = ext4(tmp_path / "raw", write_tree(tmp_path / "tree", {"noise": os.urandom(4_000_000)}))
    segments = e01(tmp_path / "case", raw)
    outcome = scan(tmp_path, segments[1])
    assert outcome.unread_by_reason == {"damaged": outcome.bytes_total}


def test_a_locked_volume_is_encrypted_and_the_other_is_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.write_bytes(b"LUKS\xba\xbe" + os.urandom((4 << 20) - 6))
    one = fat(tmp_path / "one", {"a.txt": text(0, 4).encode()})
    outcome = scan(tmp_path, disk(tmp_path / "disk.img", [one, locked]))
    assert outcome.persons.with_id == 4
    assert outcome.unread_by_reason == {"encrypted": 4 << 20}


def test_without_the_extra_an_image_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytsk3", None)
    outcome = scan(tmp_path, fat(tmp_path / "one.img", {"a.txt": text(0, 4).encode()}))
    assert outcome.unread_by_reason == {"needs_extra": outcome.bytes_total}


def test_an_image_without_a_file_system_is_carved(tmp_path: Path) -> None:
    image = bytearray(2_000_000)
    image[510:512] = b"\x55\xaa"
    for place in range(8):
        line = text(place, place + 1).encode("gb18030" if place % 2 else "utf-8")
        image[200_000 * (place + 1) : 200_000 * (place + 1) + len(line)] = line
    (tmp_path / "one.img").write_bytes(image)
    assert scan(tmp_path, tmp_path / "one.img").persons.with_id == 8


@given(st.integers(-400, 400), st.sampled_from(["utf-8", "gb18030", "utf-16-le", "utf-16-be"]))
@settings(max_examples=60, deadline=None)
def test_a_number_across_two_pieces_is_carved_whole_and_once(shift: int, encoding: str) -> None:
    line = text(0, 1).encode(encoding)
    data = bytearray(2 * PIECE_BYTES + 4096)
    at = PIECE_BYTES + shift
    data[at : at + len(line)] = line
    blocks = carved(lambda start, size: bytes(data[start : start + size]), [(0, len(data))])
    found = b"".join(block.data for block in blocks)
    assert found.count(PEOPLE[0].id.encode()) == found.count(PEOPLE[0].mobile.encode()) == 1


RANGE = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(RANGE, max_size=20), RANGE)
@settings(max_examples=300, deadline=None)
def test_ranges_are_a_set_of_bytes(ranges: list[Range], asked: Range) -> None:
    held, plain = Ranges(), set[int]()
    for one in ranges:
        held.add([one])
        plain |= set(range(*one))
    assert held.meets([asked]) == bool(plain & set(range(*asked)))
    rest = list(held.rest(50))
    assert [byte for one in rest for byte in range(*one)] == sorted(set(range(50)) - plain)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(rest))


def _read(data: bytes, kind: str) -> int:
    """Read everything of a (damaged) image; the bytes handed out or listed."""
    seen = 0
    for part in parts_of(io.BytesIO(data), f"x.{kind}", len(data), Budget(packed=len(data))):
        if isinstance(part, Part):
            for block in part.blocks:
                seen += len(block.data)
        else:
            assert isinstance(part, Unread)
            seen += abs(part.bytes)
    return seen


@pytest.mark.parametrize("kind", ["ext4", "fat", "ntfs"])
def test_damage_anywhere_neither_crashes_nor_hangs(kind: str, tmp_path: Path) -> None:
    files = {"a.txt": text(0, 9).encode(), "b.zip": packed(text(9, 12).encode()), "c.bin": bytes(70_000)}
    made = {
        "ext4": lambda: ext4(tmp_path / "i", write_tree(tmp_path / "tree", files), megabytes=2),
        "fat": lambda: fat(tmp_path / "i", files, kilobytes=2048),
        "ntfs": lambda: ntfs(tmp_path / "i", files, megabytes=4),
    }[kind]()
    whole = made.read_bytes()
    maker = random.Random(7)
    for _ in range(25):
        broken = bytearray(whole)
        for _ in range(40):
            at = maker.randrange(min(len(broken), 300_000))
            broken[at] = maker.randrange(256)
        assert _read(bytes(broken[: maker.randrange(1_200_000, len(broken) + 1)]), kind) >= 0
