"""Consents and opt-outs from CSV: good rows kept, bad ones named by line, no number anywhere."""

from collections.abc import Iterable
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.gateway.registry.problems import RegistryInvalid
from tideng.gateway.registry.rows import LINE_BYTES_MAX, BadRow, Reading, read_consents, read_opt_outs
from tideng.gateway.registry.values import Consent, OptOut
from tideng.identifiers.keyed import keyed_hash

KEY = bytes(32)
NOW = 1_790_000_000_000_000  # 2026-09-21
HEAD = "number,principal,category,wording,channel,given_at,expires_at,proof_hash\n"
GOOD = "13800000001,bank,commercial,v1,web,2026-01-05T09:30:00+08:00,,\n"


def subject_of(number: str) -> str:
    return keyed_hash(KEY, "subject", number)


READING = Reading(subject_of=subject_of, principals={"bank"}, now=NOW, time_zone=ZoneInfo("Asia/Shanghai"))
SUBJECT = subject_of("8613800000001")


def consents(data: str | bytes) -> list[Consent | BadRow]:
    return list(read_consents(BytesIO(data.encode() if isinstance(data, str) else data), READING))


def opt_outs(data: str | bytes) -> list[OptOut | BadRow]:
    return list(read_opt_outs(BytesIO(data.encode() if isinstance(data, str) else data), READING))


def bad_lines(rows: Iterable[object]) -> list[int]:
    return [row.line for row in rows if isinstance(row, BadRow)]


def test_a_consent() -> None:
    [consent] = consents(HEAD + "+86 138-0000-0001,bank,commercial,v1,web,2026-01-05 09:30,2026-12-31,\n")
    assert consent == Consent(
        principal="bank",
        recipient=SUBJECT,
        category="commercial",
        wording="v1",
        channel="web",
        given_at=1_767_576_600_000_000,
        expires_at=1_798_732_800_000_000,  # 2027-01-01T00:00+08:00: the last day counts in full
    )


@pytest.mark.parametrize(
    "given_at", ["2026-01-05T09:30:00+08:00", "2026-01-05T01:30:00Z", "2026-01-05 09:30", "2026/1/5 9:30"]
)
def test_times(given_at: str) -> None:
    [consent] = consents(HEAD + GOOD.replace("2026-01-05T09:30:00+08:00", given_at))
    assert isinstance(consent, Consent)
    assert consent.given_at == 1_767_576_600_000_000


@pytest.mark.parametrize(
    "row",
    [
        "1380000000,bank,commercial,v1,web,2026-01-05,,",
        "1.38E+10,bank,commercial,v1,web,2026-01-05,,",
        ",bank,commercial,v1,web,2026-01-05,,",
        "13800000001,nobody,commercial,v1,web,2026-01-05,,",
        "13800000001,bank,spam,v1,web,2026-01-05,,",
        "13800000001,bank,commercial,,web,2026-01-05,,",
        "13800000001,bank,commercial,v1,,2026-01-05,,",
        "13800000001,bank,commercial,v1,web,,,",
        "13800000001,bank,commercial,v1,web,2026-02-30,,",
        "13800000001,bank,commercial,v1,web,2026/2/30,,",
        "13800000001,bank,commercial,v1,web,soon,,",
        "13800000001,bank,commercial,v1,web,2999-01-01,,",
        "13800000001,bank,commercial,v1,web,2027-01-01,,",
        "13800000001,bank,commercial,v1,web,2026-01-05,9999-12-31,",
        "13800000001,bank,commercial,v1,web,2026-01-05,2026-01-04,",
        "13800000001,bank,commercial,v1,web,2026-01-05,,abc",
        "13800000001,bank,commercial,v1,web,2026-01-05",
        "13800000001,bank,commercial,v1,web,2026-01-05,,,,",
        '13800000001,bank,commercial,"v1,web,2026-01-05,,',
        "13800000001,bank,commercial," + "v" * 201 + ",web,2026-01-05,,",
        "13800000001,bank,commercial," + "v" * LINE_BYTES_MAX + ",web,2026-01-05,,",
    ],
)
def test_a_bad_row_costs_only_itself_and_quotes_no_number(row: str) -> None:
    rows = consents(HEAD + GOOD + row + "\n" + GOOD)
    assert bad_lines(rows) == [3]
    assert [type(taken) for taken in rows] == [Consent, BadRow, Consent]
    assert not any("138" in taken.reason for taken in rows if isinstance(taken, BadRow))


def test_chinese_headings_gbk_marks_and_line_ends() -> None:
    text = "号码,委托方,类别,文案版本,渠道,同意时间\r\n13800000001,bank,commercial,第一版,网页,2026-01-05\r\n"
    [as_gbk], [as_utf_8] = consents(text.encode("gbk")), consents(text.encode("utf-8-sig"))
    assert as_gbk == as_utf_8
    assert isinstance(as_gbk, Consent)
    assert as_gbk.wording == "第一版"


def test_gbk_may_begin_anywhere() -> None:
    late = (HEAD + GOOD * 3000).encode() + GOOD.replace("web", "网页").encode("gbk")
    rows = consents(late)
    assert bad_lines(rows) == []
    assert isinstance(rows[-1], Consent)
    assert rows[-1].channel == "网页"


def test_undecodable_bytes_are_a_bad_row() -> None:
    assert bad_lines(consents(HEAD.encode() + b"\xff\xff\xff\n" + GOOD.encode())) == [2]


def test_quotes_blank_lines_and_a_missing_last_line_end() -> None:
    quoted = GOOD.strip().replace("web", '"web, ""new"""')
    rows = consents(HEAD + "\n" + quoted)
    assert [row.channel for row in rows if isinstance(row, Consent)] == ['web, "new"']


@pytest.mark.parametrize(
    "head",
    [
        "",
        "number,principal\n",
        HEAD.replace("wording", "wordng"),
        HEAD.replace("channel", "wording"),
        "13800000001,bank,commercial,v1,web,2026-01-05\n",
    ],
)
def test_an_unusable_heading_is_refused_without_quoting_it(head: str) -> None:
    with pytest.raises(RegistryInvalid) as caught:
        consents(head)
    assert caught.value.problems
    assert "138" not in str(caught.value)


def test_a_utf_16_file_is_refused() -> None:
    with pytest.raises(RegistryInvalid):
        consents((HEAD + GOOD).encode("utf-16"))


def test_opt_outs() -> None:
    rows = opt_outs(
        "number,principal,at,source\n13800000001,bank,2026-01-05 09:30,complaint\n13800000001,*,,\n"
    )
    assert rows == [
        OptOut(principal="bank", recipient=SUBJECT, at=1_767_576_600_000_000, source="complaint"),
        OptOut(principal="*", recipient=SUBJECT, at=NOW, source="import"),
    ]
    assert bad_lines(opt_outs("number,principal\n13800000001,\n13800000001,全部\n13800000001,nobody\n")) == [
        2,
        4,
    ]


@given(st.binary(max_size=300))
def test_noise_after_the_heading_makes_only_rows_and_bad_rows(noise: bytes) -> None:
    rows = consents(HEAD.encode() + noise + b"\n" + GOOD.encode())
    assert isinstance(rows[-1], Consent)
