"""The compiled kernel finds what the plain code finds: in any encoding, at any cut, with any neighbours."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.identifiers.bank_card import luhn_digit
from tideng.identifiers.resident_id import check_character
from tideng.scan.analyse import has_full_width
from tideng.scan.kernels import compiled
from tideng.scan.kernels.digits import find_digits, narrow
from tideng.scan.kernels.lookup import lookup
from tideng.scan.kernels.plain import find_plain
from tideng.scan.kernels.rows import filled, filled_plain, line_starts

ENCODINGS = ["utf-8", "gb18030", "gbk", "big5", "utf-16-le", "utf-16-be"]


def kernel(data: bytes, encoding: str) -> list[tuple[int, int]]:
    buffer = narrow(data, encoding.endswith("be")) if "16" in encoding else np.frombuffer(data, np.uint8)
    tables = lookup()
    room = len(buffer) // 11 + 1
    arrays = (
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.uint8),
        np.empty(room, np.uint64),
    )
    wide = encoding in ("gb18030", "gbk", "big5")
    n = find_digits(buffer, wide, encoding == "gb18030", *tables, *arrays)
    return [(int(kind), int(key)) for kind, key in zip(arrays[2][:n], arrays[3][:n], strict=True)]


ids = st.tuples(
    st.sampled_from(["110101", "440524", "620102", "510902", "810000"]), st.dates(), st.integers(0, 999)
).map(lambda t: f"{t[0]}{max(1900, min(2020, t[1].year)):04}{t[1].month:02}{min(28, t[1].day):02}{t[2]:03}")
whole_ids = ids.map(lambda first: first + check_character(first))
spaced_ids = whole_ids.map(lambda n: f"{n[:6]} {n[6:10]} {n[10:14]} {n[14:]}")
mobiles = st.tuples(st.sampled_from(["138", "170", "199", "149", "1349", "154"]), st.integers(0, 10**8)).map(
    lambda t: (t[0] + f"{t[1]:08}")[:11]
)
dashed = st.tuples(mobiles, st.sampled_from("- ")).map(
    lambda t: f"{t[0][:3]}{t[1]}{t[0][3:7]}{t[1]}{t[0][7:]}"
)
cards = st.integers(0, 10**12 - 1).map(lambda n: f"621700{n:012}").map(lambda s: s + luhn_digit(s))
fours = cards.map(lambda c: " ".join(c[i : i + 4] for i in range(0, len(c), 4)))
old = whole_ids.map(lambda n: n[:6] + n[8:17])
noise = st.text(alphabet="王镕𠮷 -.0123456789aXx_,，\n：@/", max_size=8)
texts = st.lists(
    st.one_of(
        whole_ids,
        spaced_ids,
        mobiles,
        dashed,
        cards,
        fours,
        old,
        noise,
        noise,
        st.just("86"),
        st.just("+86 "),
    ),
    max_size=9,
).map("".join)


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=150, deadline=None)
@given(text=texts)
def test_same_findings_in_every_encoding(text: str, encoding: str) -> None:
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        return
    assert kernel(data, encoding) == [(hit.kind, hit.key) for hit in find_plain(text)]


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(texts.map(lambda t: t.replace("\n", "") + "\n"), max_size=5), data=st.data())
def test_same_findings_when_cut_at_any_line(lines: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    encode = lambda part: "".join(part).encode("gb18030")
    apart = kernel(encode(lines[:cut]), "gb18030") + kernel(encode(lines[cut:]), "gb18030")
    assert apart == kernel(encode(lines), "gb18030")


def test_an_id_behind_a_four_byte_character_is_found() -> None:
    assert kernel("王𠮷110101199003078515".encode("gb18030"), "gb18030") == [(1, 11010119900307851)]


def test_an_id_behind_a_character_that_ends_in_a_letter_byte_is_found() -> None:
    assert kernel("镕13800138000".encode("gbk"), "gbk") == [(2, 13800138000)]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_noise_does_no_harm(data: bytes) -> None:
    kernel(data, "gb18030")


def test_full_width_digits_are_told_from_what_two_neighbours_make_of_their_bytes() -> None:
    assert has_full_width("电话１３８".encode("gb18030"), "gb18030")
    # The end of 埃 (B0 A3) and the beginning of 薄 (B1 A1) are the bytes of a 1 of full width.
    assert not has_full_width("电话埃薄".encode("gb18030"), "gb18030")
    assert has_full_width("电话埃薄１".encode("gb18030"), "gb18030")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet='a ,"\t\r\x00中', max_size=9), max_size=6), st.integers(0, 2))
def test_filled_fields_are_counted_alike_with_and_without_the_compiler(lines: list[str], skip: int) -> None:
    lines = [line if line.count('"') % 2 == 0 else line + '"' for line in lines]
    text = "".join(f"{line}\n" for line in lines)
    data = text.encode("gb18030")
    starts = line_starts(data)[skip:]
    one_by_one = [filled(np.frombuffer(data, np.uint8), starts, 44, place, True) for place in range(3)]
    assert filled_plain(text, skip, ",", range(3)) == one_by_one


def test_until_another_process_has_compiled_plain_code_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path)
    monkeypatch.setattr(compiled.Mode, "compiles", False)
    monkeypatch.setattr(compiled.Mode, "waits", True)
    assert not compiled.Mode.now()
    compiled.compile_all()
    assert compiled.is_ready()
    assert not compiled.Mode.compiles
    assert compiled.Mode.now()
    assert not compiled.Mode.waits


def test_a_home_that_can_not_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    # Under a file no folder can be made, not even by root.
    (tmp_path / "file").touch()
    (tmp_path / "list.txt").write_text("13800138000\n" * 200_000)
    source, out = repr(str(tmp_path / "list.txt")), repr(str(tmp_path / "out"))
    program = f"""
from pathlib import Path
from tideng.scan.kernels import compiled
from tideng.scan.run import run
compiled.COMPILE_BYTES_LEAST = 1000
print(run([Path({source})], Path({out}), day="2026-11-25", workers=1).counts["mobile"])
"""
    surroundings = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    surroundings["XDG_CACHE_HOME"] = str(tmp_path / "file")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "200000"
