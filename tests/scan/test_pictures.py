"""What is written in pictures: read where the extra is installed, listed where not; never a crash or a hang.

The tests that read need the extra `ocr`, which the set-up for tests leaves out (half a gigabyte):
`.venv/bin/python -m pip install 'rapidocr>=3.9,<4' onnxruntime`.
"""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan.piles import scanned
from tideng.scan.batch import How
from tideng.scan.corpus import Maker, Person
from tideng.scan.readers import pictures
from tideng.scan.readers.blocks import CannotRead
from tideng.scan.readers.picture_reader import rows

reads = pytest.mark.skipif(not pictures.is_installed(), reason="needs the extra `ocr`")
PEOPLE = [Maker(seed).person() for seed in range(200, 212)]
TINY = b"\x89PNG\r\n\x1a\n" + bytes(900)


def picture(people: list[Person], form: str = "PNG", *, width: int = 900) -> bytes:
    """A table of people, one below the other, as a scanner or a telephone would show it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(_font(), 26)
    image = Image.new("RGB", (width, 60 * len(people) + 60), "white")
    draw = ImageDraw.Draw(image)
    for place, person in enumerate(people):
        for left, text in ((30, person.name), (200, person.id), (560, person.mobile)):
            draw.text((left, 30 + 60 * place), text, font=font, fill="black")
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def _font() -> str:
    for folder in ("/usr/share/fonts/opentype/noto", "/usr/share/fonts"):
        for path in sorted(Path(folder).rglob("*CJK*Regular*")):
            return str(path)
    pytest.fail("no Chinese font: run tools/setup test")


def folder_of(tmp_path: Path, files: dict[str, bytes]) -> Path:
    (tmp_path / "in").mkdir()
    for name, data in files.items():
        (tmp_path / "in" / name).write_bytes(data)
    return tmp_path / "in"


@reads
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_people_in_a_picture_are_records(form: str, tmp_path: Path) -> None:
    source = folder_of(tmp_path, {"photo": picture(PEOPLE[:6], form)})
    outcome = scanned(source, tmp_path / "out", how=How(pictures=True))
    assert (outcome.persons.with_id, outcome.records) == (6, 6)
    assert outcome.formats == {"ocr": 1}
    assert outcome.unread_by_reason == {}


@reads
def test_a_long_screenshot_is_read_to_its_end_and_once(tmp_path: Path) -> None:
    people = [Maker(seed).person() for seed in range(300, 380)]
    source = folder_of(tmp_path, {"long.png": picture(people)})
    outcome = scanned(source, tmp_path / "out", how=How(pictures=True))
    assert outcome.persons.with_id >= 78
    assert outcome.records <= 80


@reads
def test_pages_of_a_scanned_document(tmp_path: Path) -> None:
    from PIL import Image

    pages = [Image.open(io.BytesIO(picture(PEOPLE[at : at + 4]))) for at in (0, 4)]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    source = folder_of(tmp_path, {"scan.pdf": out.getvalue()})
    listed = scanned(source, tmp_path / "listed")
    assert (listed.persons.with_id, set(listed.unread_by_reason)) == (0, {"needs_extra"})
    assert scanned(source, tmp_path / "out", how=How(pictures=True)).persons.with_id == 8


@reads
def test_what_is_no_picture_is_damaged_and_the_next_is_read(tmp_path: Path) -> None:
    source = folder_of(tmp_path, {"a.png": TINY, "b.png": picture(PEOPLE[:2])})
    outcome = scanned(source, tmp_path / "out", how=How(pictures=True))
    assert outcome.unread_by_reason == {"damaged": len(TINY)}
    assert outcome.persons.with_id == 2


@reads
def test_a_reader_that_takes_too_long_is_ended_and_replaced() -> None:
    with pytest.raises(CannotRead, match="took more than"):
        pictures.written_in(picture(PEOPLE), seconds=0.0)
    assert PEOPLE[0].id in pictures.written_in(picture(PEOPLE[:2]))


@reads
def test_a_picture_of_too_many_pixels_is_over_the_limit() -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    with pytest.raises(CannotRead) as refused:
        pictures.written_in(out.getvalue())
    assert refused.value.reason == "over_limit"


def test_a_reader_that_dies_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "is_installed", lambda: True)
    monkeypatch.setattr(pictures, "_PROGRAM", "tideng.no_such_program")
    monkeypatch.setattr(pictures, "_READER", pictures._Reader())
    with pytest.raises(CannotRead, match="broke down"):
        pictures.written_in(TINY)


def test_without_the_wish_or_the_extra_pictures_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_of(tmp_path, {"a.png": TINY})
    assert scanned(source, tmp_path / "one").unread_by_reason == {"needs_extra": len(TINY)}
    monkeypatch.setattr(pictures, "is_installed", lambda: False)
    outcome = scanned(source, tmp_path / "two", how=How(pictures=True))
    assert outcome.unread_by_reason == {"needs_extra": len(TINY)}
    [members] = (tmp_path / "two" / "members").glob("*.parquet")
    assert "extra `ocr`" in pq.read_table(members)["detail"].to_pylist()[0]


CELL = st.tuples(st.integers(0, 20), st.integers(0, 5))


@given(st.lists(CELL, max_size=40, unique=True))
@settings(max_examples=200, deadline=None)
def test_cells_of_one_height_are_one_line_from_left_to_right(cells: list[tuple[int, int]]) -> None:
    seen = [(40.0 * row, 30.0, 100.0 * column, f"{row}:{column}") for row, column in cells]
    wanted = [
        " ".join(f"{row}:{column}" for other, column in sorted(cells) if other == row)
        for row in sorted({row for row, _ in cells})
    ]
    assert rows(iter(seen)) == wanted
