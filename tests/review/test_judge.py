"""Verdicts: severity, quiet hours, batches, replay, hostile texts."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.messages import Submission
from tideng.gateway.registry.snapshot import Snapshot, Versioned, build
from tideng.gateway.registry.values import (
    CATEGORIES,
    CodeNumber,
    Customer,
    Licence,
    Mandate,
    NumberBinding,
    Principal,
    Signature,
)
from tideng.gateway.review.codes import CODES
from tideng.gateway.review.judge import review
from tideng.gateway.review.policies import bundled_policy
from tideng.gateway.review.policy import load_policy
from tideng.gateway.review.values import Case, Facts, Verdict

BEIJING = timezone(timedelta(hours=8))
POLICY = load_policy(bundled_policy())
SALE = "【明灯】新品8折,满300减50。回T退订"
AGREED = (("mingdeng", "commercial", 0, "w", 7),)


def registry() -> Snapshot:
    objects = (
        Customer(
            id="acme",
            name="Acme",
            licence=Licence(number="1"),
            categories=CATEGORIES,
            default_code_number="10690001",
            default_signature="明灯",
        ),
        CodeNumber(id="10690001", holder="t", bindings=(NumberBinding(customer="acme"),)),
        Principal(id="mingdeng", name="明灯"),
        Signature(id="明灯", principal="mingdeng"),
        Mandate(id="m1", principal="mingdeng", customer="acme"),
    )
    return build([Versioned(one, 3) for one in objects])


def at(clock: str) -> int:
    moment = datetime.fromisoformat(f"2026-09-30T{clock}").replace(tzinfo=BEIJING)
    return int(moment.timestamp()) * 1_000_000


def case(text: str | None, facts: dict[str, Any] | None = None, **fields: Any) -> Case:
    given = {"id": 1, "customer": "acme", "recipient": "13800138000", "received_at": 0, **fields}
    return Case(
        Submission(text=text, **given), Facts(**{"subject": "s", "text_key": str(text), **(facts or {})})
    )


def one(text: str | None, now: int, **fields: Any) -> Verdict:
    return review([case(text, {"consents": AGREED}, **fields)], registry(), POLICY, now, BEIJING)[0]


def test_the_verdict_says_everything() -> None:
    verdict = one("图书已到馆", at("12:00"), code_number="1069000177", id=99)
    assert verdict == Verdict(
        message=99,
        action="send",
        findings=(),
        policy=POLICY.hash,
        not_before=0,
        recipient="8613800138000",
        text="【明灯】图书已到馆",
        code_number="1069000177",
        signature="明灯",
        principal="mingdeng",
        category="notice",
        classified_by="text",
        registry=(
            "code_number:10690001@3",
            "customer:acme@3",
            "mandate:m1@3",
            "principal:mingdeng@3",
            "signature:明灯@3",
        ),
    )


def test_the_most_severe_finding_wins_and_stands_first() -> None:
    verdict = one("【明灯】图书预约过期将取消,见 t.cn/x,电话13911112222", at("12:00"))
    assert [f.code for f in verdict.findings] == ["LINK_NOT_LISTED", "UNKNOWN_CALLBACK", "DEADLINE_PRESSURE"]
    assert verdict.action == "refuse"


@pytest.mark.parametrize(
    ("clock", "moved_to"),
    [
        ("20:59:59", ""),
        ("21:00", "2026-10-01T08:00"),
        ("23:30", "2026-10-01T08:00"),
        ("00:00", "2026-09-30T08:00"),
        ("07:59:59", "2026-09-30T08:00"),
        ("08:00", ""),
    ],
)
def test_quiet_hours_move_a_commercial_text_to_the_morning(clock: str, moved_to: str) -> None:
    verdict = one(SALE, at(clock))
    moment = datetime.fromisoformat(moved_to).replace(tzinfo=BEIJING) if moved_to else None
    assert verdict.action == "send"
    assert verdict.not_before == (int(moment.timestamp()) * 1_000_000 if moment else 0)


def test_quiet_hours_are_the_recipients() -> None:
    # 16:30 in Beijing is 17:30 in Tokyo; 20:30 is 21:30.
    assert one(SALE, at("16:30"), recipient="+819012345678").not_before == 0
    assert one(SALE, at("20:30"), recipient="+819012345678").not_before == at("07:00") + 86_400_000_000


def test_a_refused_text_is_not_promised_for_the_morning_alone() -> None:
    assert one(SALE + " t.cn/x", at("22:00")).action == "refuse"


def test_the_customers_own_time_is_kept_and_may_fall_into_quiet_hours() -> None:
    assert one(SALE, at("12:00"), not_before=at("15:00")).not_before == at("15:00")
    assert one(SALE, at("12:00"), not_before=at("22:00")).not_before == at("08:00") + 86_400_000_000
    assert one(SALE, at("12:00"), not_before=at("11:00")).not_before == 0


def test_messages_of_one_batch_see_each_other() -> None:
    cases = [case("图书已到馆", id=n) for n in range(3)] + [case("图书已到馆", {"subject": "other"}, id=4)]
    verdicts = review(cases, registry(), POLICY, at("12:00"), BEIJING)
    assert [v.action for v in verdicts] == ["send", "refuse", "refuse", "send"]
    assert verdicts[1].findings[0].code == "DUPLICATE"


def test_caps_count_within_the_batch() -> None:
    cases = [case(SALE, {"consents": AGREED, "text_key": str(n)}, id=n) for n in range(4)]
    verdicts = review(cases, registry(), POLICY, at("12:00"), BEIJING)
    assert [v.action for v in verdicts] == ["send", "send", "refuse", "refuse"]


def test_replay_gives_the_same_bytes() -> None:
    texts = [SALE, "您好", None, "【别家】欠款300元,否则起诉", "t.cn", "好" * 900]
    cases = [case(text, id=n) for n, text in enumerate(texts)]
    first = [msgspec.json.encode(v) for v in review(cases, registry(), POLICY, at("22:00"), BEIJING)]
    again = review(cases, registry(), load_policy(bundled_policy()), at("22:00"), BEIJING)
    assert [msgspec.json.encode(v) for v in again] == first


HOSTILE = st.text(
    st.sampled_from("【】欠款元逾期起诉0123456789.。/:-+ tT退订回验证码\u200b\u202e\ud800😀①𝟏ａ％")
    | st.characters(),
    max_size=300,
)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, st.text(max_size=30), st.sampled_from(["", "nonsense", *CATEGORIES]))
def test_whatever_is_submitted_gets_a_verdict(text: str, recipient: str, category: str) -> None:
    verdict = one(text, at("12:00"), recipient=recipient, category=category)
    assert {f.code for f in verdict.findings} <= set(CODES)
    assert verdict.text in (text, "【明灯】" + text)
    assert (verdict.action == "send") == all(
        POLICY.decide(f.code, verdict.category) in ("send", "reschedule") for f in verdict.findings
    )
    assert not verdict.recipient or re.fullmatch("[0-9]+", verdict.recipient)


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTILE, max_size=6))
def test_a_batch_to_different_people_is_its_parts(texts: list[str]) -> None:
    cases = [case(text, {"subject": str(n)}, id=n) for n, text in enumerate(texts)]
    now = at("12:00")
    together = review(cases, registry(), POLICY, now, BEIJING)
    assert together == [review([each], registry(), POLICY, now, BEIJING)[0] for each in cases]


@pytest.mark.parametrize(
    "unit",
    [
        "a.",
        "a-",
        "1",
        "1 ",
        "1-",
        "【",
        "】",
        "欠款",
        "验证码",
        "请回复",
        "逾期",
        "\u200b",
        "减免",
        ".",
        "0",
        "+",
        "(",
        "http://",
        "微.",
        "结清还",
        "1,",
        "回t",
        "a@",
        "12:",
        "ﷺ",
    ],
)
def test_long_texts_take_bounded_time(unit: str) -> None:
    text = "【明灯】" + unit * (100_000 // len(unit))
    started = time.process_time()
    assert one(text, at("12:00")).action == "refuse"
    assert time.process_time() - started < 0.5


def test_zone_decides_the_day_of_validity() -> None:
    known = registry()
    customer = msgspec.structs.replace(
        known.customers["acme"], licence=Licence(number="1", valid_until="2026-09-30")
    )
    changed = known.with_change(customer, 4)
    late = at("23:30")
    cases = [case("您好")]
    assert review(cases, changed, POLICY, late, BEIJING)[0].action == "send"
    assert review(cases, changed, POLICY, late + 3_600_000_000, BEIJING)[0].action == "refuse"
    assert review(cases, changed, POLICY, late + 3_600_000_000, UTC)[0].action == "send"
