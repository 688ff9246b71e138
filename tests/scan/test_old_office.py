"""Word before 2007 and Outlook messages: OLE containers made by hand, with their truth."""

from pathlib import Path

import pytest

from scan.compound import compound
from scan.piles import scanned
from tideng.scan.corpus import HEADER, Maker, workbook_bytes

pytest.importorskip("olefile")


def test_a_word_file_gives_up_wide_and_narrow_text(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    a, b = Maker(1).person(), Maker(2).person()
    wide = f"客户姓名：{a.name}\r身份证号：{a.id}\r电话：{a.mobile}\r".encode("utf-16-le")
    narrow = f"backup contact {b.mobile} id {b.id}\r".encode("ascii")
    (tmp_path / "in" / "a.doc").write_bytes(
        compound({"WordDocument": bytes(512) + wide + bytes(64) + narrow, "1Table": b""})
    )
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.formats == {"doc": 1}
    assert outcome.persons.with_id == 2
    assert outcome.persons.distinct["mobile"] == 2
    assert outcome.bytes_unread == 0


def test_an_outlook_message_gives_up_its_body_and_what_is_attached(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    people = [Maker(seed).person() for seed in range(20)]
    text = lambda words: words.encode("utf-16-le")
    message = compound(
        {
            "__substg1.0_0037001F": text("主题：最新名单"),
            "__substg1.0_1000001F": text(f"老板好，{people[0].name} 身份证 {people[0].id} 请查收"),
            "__attach_version1.0_#00000000/__substg1.0_3707001F": text("名单.xlsx"),
            "__attach_version1.0_#00000000/__substg1.0_37010102": workbook_bytes(
                [HEADER, *(person.row for person in people)]
            ),
        }
    )
    (tmp_path / "in" / "a.msg").write_bytes(message)
    outcome = scanned(tmp_path / "in", tmp_path / "out")
    assert outcome.formats == {"msg": 1, "workbook": 1}
    assert outcome.persons.with_id == len(people)
    assert outcome.records == len(people) + 1
