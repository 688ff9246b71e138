"""Every rule: one line where it sees something, one where it does not."""

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

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
    RegistryObject,
    Signature,
    Slot,
    Template,
)
from tideng.gateway.review.catalogue_texts import TEXTS
from tideng.gateway.review.codes import CATALOGUE, CODES, findings_markdown
from tideng.gateway.review.judge import review
from tideng.gateway.review.policies import bundled_policy
from tideng.gateway.review.policy import Policy, load_policy
from tideng.gateway.review.values import Case, Facts, RecentMessage, Verdict

BEIJING = timezone(timedelta(hours=8))
NOON = 1_790_740_800_000_000  # 2026-09-30 12:00 in Beijing
HOUR = 3_600_000_000
POLICY = load_policy(bundled_policy())
HELLO = "【明灯】您好,图书已到馆。"
DEBT = "【明灯】您欠款3000元,逾期将起诉。"
SALE = "【明灯】新品8折,满300减50。"

ACME = Customer(
    id="acme",
    name="Acme",
    licence=Licence(number="B2-1"),
    categories=CATEGORIES,
    default_code_number="10690001",
    links=("example.cn",),
    callbacks=("4008001234",),
)
NUMBER = CodeNumber(id="10690001", holder="tideng", bindings=(NumberBinding(customer="acme"),))
PRINCIPAL = Principal(id="mingdeng", name="明灯")
SIGNATURE = Signature(id="明灯", principal="mingdeng")
MANDATE = Mandate(id="m1", principal="mingdeng", customer="acme")
CODE = Template(
    id="code",
    customer="acme",
    body="您的验证码是{code},{minutes}分钟内有效。",
    category="verification",
    slots=(Slot(name="code", type="code", length_max=6), Slot(name="minutes", type="digits", length_max=2)),
)
NOTE = Template(
    id="note",
    customer="acme",
    body="您好,{what}。",
    category="notice",
    slots=(Slot(name="what", length_max=30),),
)
ALL: tuple[RegistryObject, ...] = (ACME, NUMBER, PRINCIPAL, SIGNATURE, MANDATE, CODE, NOTE)


def registry(*changed: RegistryObject, without: tuple[RegistryObject, ...] = ()) -> Snapshot:
    kept = [one for one in ALL if one not in without]
    return build([Versioned(one, 1) for one in (*kept, *changed)])


def but(item: RegistryObject, **fields: Any) -> RegistryObject:
    return msgspec.structs.replace(item, **fields)


def judge(
    text: str | None = HELLO,
    facts: dict[str, Any] | None = None,
    known: Snapshot | None = None,
    policy: Policy = POLICY,
    now: int = NOON,
    **fields: Any,
) -> Verdict:
    given = {"id": 1, "customer": "acme", "recipient": "13800138000", "received_at": now, **fields}
    case = Case(Submission(text=text, **given), Facts(**{"subject": "s", "text_key": "k", **(facts or {})}))
    return review([case], known or registry(), policy, now, BEIJING)[0]


def check(*codes: str, **given: Any) -> None:
    """The one place that judges; the table below calls it. The codes must be all, in any order."""
    assert sorted(finding.code for finding in judge(**given).findings) == sorted(codes)


def recent(minutes_ago: int, key: str = "other", category: str = "commercial") -> RecentMessage:
    return RecentMessage("mingdeng", category, NOON - minutes_ago * 60_000_000, key)


SALE_OK = {"text": SALE + "回T退订", "facts": {"consents": (("mingdeng", "commercial", 0, "w", 7),)}}
NO_LIST = load_policy(b'version = "t"\nvalid_from = ""\n[actions]\nTHREAT = "hold"\n')

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    # Who speaks
    ("CUSTOMER_UNKNOWN CODE_NUMBER_UNKNOWN MANDATE_MISSING", {"customer": "nobody"}),
    ("CUSTOMER_INACTIVE", {"known": registry(but(ACME, status="suspended"))}),
    ("CUSTOMER_UNLICENSED", {"known": registry(but(ACME, licence=None))}),
    (
        "CUSTOMER_UNLICENSED",
        {"known": registry(but(ACME, licence=Licence(number="1", valid_until="2026-09-29")))},
    ),
    ("", {"known": registry(but(ACME, licence=Licence(number="1", valid_until="2026-09-30")))}),
    ("CATEGORY_NOT_ALLOWED", {"known": registry(but(ACME, categories=("verification",)))}),
    ("CATEGORY_NOT_ALLOWED", {"category": "nonsense"}),
    ("", {"category": "welfare"}),
    # From which number
    ("CODE_NUMBER_UNKNOWN", {"code_number": "10691234"}),
    ("CODE_NUMBER_UNKNOWN", {"known": registry(but(ACME, default_code_number=""))}),
    ("", {"code_number": "1069000188"}),
    ("CODE_NUMBER_NOT_BOUND", {"known": registry(but(NUMBER, bindings=()))}),
    (
        "CODE_NUMBER_NOT_BOUND",
        {
            "known": registry(
                but(NUMBER, bindings=(NumberBinding(customer="acme", valid_until="2026-01-01"),))
            )
        },
    ),
    ("CODE_NUMBER_HOLDER_LAPSED", {"known": registry(but(NUMBER, held_until="2026-09-29"))}),
    ("CODE_NUMBER_HOLDER_LAPSED", {"known": registry(but(NUMBER, status="closed"))}),
    ("", {"known": registry(but(NUMBER, held_until="2026-09-30"))}),
    # For whom
    ("SIGNATURE_MISSING", {"text": "您好"}),
    ("SIGNATURE_MISSING", {"text": "〔明灯〕您好"}),
    ("SIGNATURE_MISSING", {"text": "[明灯]您好"}),
    ("", {"text": "您好,图书已到馆。【明灯】"}),
    ("", {"text": "您好", "known": registry(but(ACME, default_signature="明灯"))}),
    ("SIGNATURE_UNREGISTERED", {"text": "【别家】您好"}),
    ("SIGNATURE_EXPIRED", {"known": registry(but(SIGNATURE, valid_until="2026-09-29"))}),
    ("SIGNATURE_EXPIRED", {"known": registry(but(SIGNATURE, status="suspended"))}),
    ("SIGNATURE_OF_ANOTHER PRINCIPAL_UNKNOWN MANDATE_MISSING", {"principal": "else"}),
    ("", {"principal": "mingdeng"}),
    ("SIGNATURE_IN_BODY", {"text": HELLO + "【再来】"}),
    ("PRINCIPAL_UNKNOWN", {"known": registry(without=(PRINCIPAL,))}),
    ("PRINCIPAL_INACTIVE", {"known": registry(but(PRINCIPAL, status="closed"))}),
    ("MANDATE_MISSING", {"known": registry(without=(MANDATE,))}),
    ("MANDATE_EXPIRED", {"known": registry(but(MANDATE, valid_until="2026-09-29"))}),
    ("MANDATE_EXPIRED", {"known": registry(but(MANDATE, status="suspended"))}),
    ("MANDATE_OUT_OF_SCOPE", {"known": registry(but(MANDATE, categories=("commercial",)))}),
    ("MANDATE_OUT_OF_SCOPE", {"known": registry(but(MANDATE, signatures=("别家",)))}),
    ("", {"known": registry(but(MANDATE, categories=("notice",), signatures=("明灯",)))}),
    # Templates
    ("TEMPLATE_MISSING", {"template": "gone"}),
    ("TEMPLATE_MISSING", {"known": registry(but(ACME, templates_required=True), without=(CODE, NOTE))}),
    ("TEMPLATE_UNMATCHED", {"template": "code"}),
    ("", {"text": "【明灯】您的验证码是123456,5分钟内有效。", "template": "code"}),
    ("", {"text": HELLO, "known": registry(but(ACME, templates_required=True))}),
    ("TEMPLATE_UNMATCHED", {"text": "【明灯】另一句", "known": registry(but(ACME, templates_required=True))}),
    ("TEMPLATE_UNMATCHED", {"template": "note", "known": registry(but(NOTE, signature="别家"))}),
    ("SLOT_TYPE", {"text": "【明灯】您的验证码是12345678,5分钟内有效。", "template": "code"}),
    ("SLOT_TYPE", {"text": "【明灯】您的验证码是abcd,5分钟内有效。", "template": "code"}),
    ("SLOT_LINK_OR_NUMBER", {"text": "【明灯】您好,见www.example.cn。", "template": "note"}),
    ("SLOT_LINK_OR_NUMBER", {"text": "【明灯】您好,打400-800-1234。", "template": "note"}),
    # The text
    ("TEXT_EMPTY", {"text": "【明灯】"}),
    ("TEXT_EMPTY SIGNATURE_MISSING", {"text": ""}),
    ("TEXT_EMPTY DISGUISED_LETTERS", {"text": "【明灯】\u200b\u200b"}),
    ("TEXT_TOO_LONG", {"text": HELLO + "好" * 670}),
    ("", {"text": HELLO + "好" * (670 - len(HELLO))}),
    ("", {"text": "【明灯】" + "x" * 600}),
    ("TEXT_UNREADABLE", {"text": None, "fault": "octets are not UCS-2"}),
    ("TEXT_UNREADABLE RECIPIENT_NOT_A_NUMBER", {"text": None, "recipient": "x"}),
    ("TEXT_INCOMPLETE", {"fault": "part 2 of 3 is missing"}),
    ("DISGUISED_LETTERS", {"text": HELLO + "加微\u200b信"}),
    ("", {"text": HELLO + "👨\u200d👩\u200d👧❤\ufe0f"}),
    ("CATEGORY_DISAGREES", {**SALE_OK, "category": "notice"}),
    ("", {**SALE_OK, "category": "commercial"}),
    # What it does
    (
        "DEBT_DEMAND DEBT_DEMAND_UNMANDATED THREAT DEADLINE_PRESSURE BANNED_CATEGORY MANDATE_OUT_OF_SCOPE",
        {"text": DEBT},
    ),
    (
        "DEBT_DEMAND THREAT DEADLINE_PRESSURE BANNED_CATEGORY",
        {"text": DEBT, "known": registry(but(MANDATE, categories=("debt",)))},
    ),
    (
        # A mandate that names debt for every signature is no mandate for a brand nobody filed.
        "SIGNATURE_UNREGISTERED DEBT_DEMAND DEBT_DEMAND_UNMANDATED THREAT DEADLINE_PRESSURE BANNED_CATEGORY",
        {
            "text": DEBT.replace("明灯", "别家"),
            "principal": "mingdeng",
            "known": registry(but(MANDATE, categories=("debt",))),
        },
    ),
    ("", {"text": "【明灯】您户号0031水费欠费48.60元,请及时缴纳。"}),
    ("DISCOUNT_TO_SETTLE", {"text": "【明灯】现可申请减免后结清。"}),
    ("", {"text": "【明灯】优惠券已到账。"}),
    ("THREAT", {"text": "【明灯】我们将追究您的法律责任。"}),
    ("DEADLINE_PRESSURE", {"text": "【明灯】图书预约过期将取消。"}),
    ("BANNED_CATEGORY", {"text": "【明灯】低息贷款。"}),
    ("", {"text": "【明灯】您的贷款已于今日扣款。"}),
    ("ASK_FOR_CODE", {"text": "【明灯】请把验证码告诉我。"}),
    ("", {"text": "【明灯】验证码123456,请勿告诉任何人。"}),
    ("AUTHORITY_CLAIM", {"text": "【明灯】公安机关通知您涉嫌洗钱。"}),
    ("", {"text": "【明灯】派出所本周六开放日。"}),
    ("UNKNOWN_CALLBACK", {"text": HELLO + "电话13911112222"}),
    ("", {"text": HELLO + "电话400-800-1234,或12345"}),
    ("LINK_NOT_LISTED", {"text": HELLO + "http://t.cn/abc"}),
    ("", {"text": HELLO + "https://m.example.cn/abc"}),
    ("OPT_OUT_WORDING_MISSING", {**SALE_OK, "text": SALE}),
    ("", SALE_OK),
    # To whom
    ("RECIPIENT_NOT_A_NUMBER", {"recipient": "hello"}),
    ("RECIPIENT_NOT_SMS", {"recipient": "021-62883030"}),
    ("", {"recipient": "+85291234567"}),
    ("OPTED_OUT", {"facts": {"opted_out": ("mingdeng",)}}),
    ("OPTED_OUT", {"facts": {"opted_out": ("*",)}}),
    ("", {"facts": {"opted_out": ("else",)}}),
    ("CONSENT_MISSING", {"text": SALE_OK["text"]}),
    ("CONSENT_MISSING", {**SALE_OK, "facts": {"consents": (("else", "commercial", 0, "w", 7),)}}),
    ("CONSENT_EXPIRED", {**SALE_OK, "facts": {"consents": (("mingdeng", "commercial", NOON, "w", 7),)}}),
    ("", {**SALE_OK, "facts": {"consents": (("mingdeng", "commercial", NOON + 1, "w", 7),)}}),
    # When, and how often
    ("DUPLICATE", {"facts": {"recent": (recent(0, "k"),)}}),
    ("", {"facts": {"recent": (recent(1, "k"),)}}),
    ("", {"facts": {"recent": (recent(0),)}}),
    ("FREQUENCY_CAP", {**SALE_OK, "facts": {**SALE_OK["facts"], "recent": (recent(9), recent(99))}}),
    ("", {**SALE_OK, "facts": {**SALE_OK["facts"], "recent": (recent(9), recent(1440))}}),
    ("", {**SALE_OK, "facts": {**SALE_OK["facts"], "recent": (recent(9), recent(9, category="notice"))}}),
    ("QUIET_HOURS", {**SALE_OK, "now": NOON + 9 * HOUR}),
    ("", {**SALE_OK, "now": NOON + 9 * HOUR - 1}),
    ("", {"now": NOON + 12 * HOUR}),
    ("VALIDITY_PAST", {"valid_until": NOON}),
    ("QUIET_HOURS VALIDITY_PAST", {**SALE_OK, "now": NOON + 10 * HOUR, "valid_until": NOON + 12 * HOUR}),
    ("", {"valid_until": NOON + 1}),
    ("LINK_NOT_LISTED UNCLASSIFIED", {"text": HELLO + "t.cn", "policy": NO_LIST}),
]


@pytest.mark.parametrize(("codes", "given"), ROWS)
def test_rule(codes: str, given: dict[str, Any]) -> None:
    check(*codes.split(), **given)


def test_every_code_of_the_catalogue_is_produced_above() -> None:
    by_rules = {code for codes, _ in ROWS for code in codes.split()}
    # A step says it (`SecondLook.cancel`), no rule can see it. The judge of texts has tests of its own.
    assert by_rules == set(CODES) - {"CANCELLED"} - {code.code for code in TEXTS}


def test_every_code_has_an_action_in_the_bundled_policy() -> None:
    assert {code for code, _ in POLICY.decisions} == set(CODES)


def test_the_page_is_the_catalogue() -> None:
    page = Path(__file__).parents[2] / "docs" / "findings.md"
    assert page.read_text(encoding="utf-8") == findings_markdown()


def test_every_explanation_is_written_in_both_languages() -> None:
    for code in CATALOGUE.values():
        assert all(msgspec.structs.astuple(code))
        assert code.next_en.replace("【", "").replace("】", "").replace("拒收请回复", "").isascii()
        assert not code.seen_zh.isascii()
