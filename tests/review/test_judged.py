"""The judge of texts in the review: every family it warns of, what the policy makes of it, what passes."""

from pathlib import Path

import pytest

from review.test_texts import BEIJING, FACTS, NOON, POLICY, REGISTRY
from tideng.assembly.texts import make_text_judge
from tideng.gateway.messages import Submission
from tideng.gateway.review.catalogue_texts import TEXTS
from tideng.gateway.review.judge import review
from tideng.gateway.review.judged import ABOUT_LINKS, OWN
from tideng.gateway.review.values import Case, Verdict
from tideng.settings import Settings, SettingsInvalid
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.tables import bundled_tables

JUDGE = make_text_judge(Settings())
WHOLE = make_judge(bundled_tables(), bundled_knowledge(), bundled_verdict_policy())
FAMILIES = {rule.family.code: rule.family for rule in WHOLE.reader.book.rules}
ACTIONS = {
    "ACCOUNT_RENTAL": "refuse",
    "ACCOUNT_THREAT": "hold",
    "ACCOUNT_TO_PAY": "hold",
    "ACQUAINTANCE_NEW_NUMBER": "hold",
    "BULK_ORDER_FRAUD": "hold",
    "CARD_REQUEST": "hold",
    "CHARITY_BAIT": "hold",
    "CHILD_LURE": "hold",
    "CREDIT_REPAIR": "hold",
    "DATA_FOR_SALE": "refuse",
    "DISCLOSURE_TO_CONTACTS": "hold",
    "DISGUISED_TRADE": "hold",
    "DOORSTEP_APPOINTMENT": "send",
    "DOORSTEP_FREE_UPGRADE": "hold",
    "FAKE_DOCUMENTS": "hold",
    "FALSE_AUTO_CHARGE": "hold",
    "GAMBLING": "refuse",
    "HEALTH_LECTURE": "hold",
    "HIDDEN_CONTACT": "hold",
    "ILLEGAL_TRADE": "refuse",
    "INVESTMENT_MENTOR": "hold",
    "JOB_LURE": "hold",
    "KIN_IN_TROUBLE": "hold",
    "LANDLINE_BOX": "refuse",
    "LOAN_FEE_FIRST": "hold",
    "LOCAL_NOTICE": "send",
    "LOOKALIKE_LINK": "hold",
    "MONEY_TRANSFER": "hold",
    "NEW_NUMBER": "hold",
    "ODD_LINK": "hold",
    "OFFICIAL_WARNING_FORM": "send",
    "OFFICIAL_WARNING_WITH_LINK": "hold",
    "ONE_TIME_CODE_ASKED": "refuse",
    "PARCEL_PROBLEM": "hold",
    "PAY_FIRST": "hold",
    "PENSION_BAIT": "hold",
    "POINTS_LURE": "hold",
    "PORNOGRAPHY": "refuse",
    "PRIZE_LURE": "hold",
    "PYRAMID": "hold",
    "REFUND_LURE": "hold",
    "RENEW_LINK": "hold",
    "SAFE_ACCOUNT": "hold",
    "SCHOOL_FEE_FALSE": "hold",
    "SCREEN_SHARE": "hold",
    "SECRECY_OR_HURRY": "hold",
    "STRANGE_LINK": "hold",
    "SUBSIDY_LURE": "hold",
    "TASK_REWARD": "hold",
    "TOLD_TO_DECEIVE": "hold",
    "TRADE_BAIT": "hold",
    "TRAVEL_CHANGE": "hold",
    "SUSPICIOUS_TEXT": "hold",
}
"""By code: what the shipped policy does with it."""
PASSES = (
    "您的验证码是482913,5分钟内有效,请勿告诉任何人。",
    "您尾号3321的储蓄卡6月3日支出人民币125.00元,余额2310.55元。",
    "您的包裹已到幸福小区北门店,取货码6-2-3312,请今日21点前领取。",
    "您预约的6月5日上午3号内科门诊已确认,请携带身份证提前20分钟取号。",
    "您借的《边城》将于6月8日到期,可在馆内自助机续借一次。",
    "您的户号本月电费85元已自动扣缴,感谢配合。",
    "各位家长,6月6日下午三点召开家长会,请准时参加。",
    "您乘坐的G1234次列车6月7日8:05开,请提前到站检票。",
    "您的航班因天气延误至16:20起飞,请留意机场广播。",
    "您的快递员将于今日上门取件,请准备好物品。",
    "您的社保缴费已成功,可在窗口打印凭证。",
    "本小区明日9点至12点检修水管,暂停供水,请提前储水。",
    "您的车辆年检将于本月底到期,请前往检测站办理。",
    "您的宽带装机预约在6月9日上午,装维人员会先致电。",
    "您报名的志愿服务已通过审核,集合地点为一号门。",
    "反诈提醒:公检法不会通过电话要求转账,凡是让您转到“安全账户”的都是诈骗。",
    "请勿出租、出借银行卡和电话卡,这是违法行为。",
    "您的退款125元已原路退回,预计三个工作日到账。",
    "您的会员积分为3200分,有效期至2027年底。",
    "您的贷款本期已还清,感谢您的信任。",
    "您投保的家庭财产险保单已生效,保单号可在柜台查询。",
    "您的体检报告已出,请到三号窗口领取。",
    "您的停车费12元已支付成功,祝您一路平安。",
    "您申请的营业执照已办结,请凭身份证领取。",
    "您的门诊退费已处理,金额已退回原支付账户。",
)
"""What registered senders send every day."""


def reviewed(text: str) -> Verdict:
    submission = Submission(id=1, customer="acme", recipient="13800138000", text=text, received_at=NOON)
    return review([Case(submission, FACTS)], REGISTRY, POLICY, NOON, BEIJING, JUDGE)[0]


def codes_of(verdict: Verdict) -> set[str]:
    return {finding.code for finding in verdict.findings}


def test_every_warning_of_the_judge_is_explained_and_decided() -> None:
    warns = {code for code, family in FAMILIES.items() if family.level in ("danger", "verify")}
    assert warns - OWN | {"SUSPICIOUS_TEXT"} == {code.code for code in TEXTS} == set(ACTIONS)
    assert set(ABOUT_LINKS) <= warns


@pytest.mark.parametrize("code", [code for code in TEXTS if code.code in FAMILIES], ids=lambda one: one.code)
def test_the_explanation_is_the_knowledge_files(code: object) -> None:
    family = FAMILIES[code.code]  # type: ignore[attr-defined]
    told = (code.seen_zh, code.why_zh, code.seen_en, code.why_en)  # type: ignore[attr-defined]
    known = (family.zh, family.how_zh, family.en, family.how_en)
    assert told == tuple(text.rstrip("。.") for text in known)


@pytest.mark.parametrize("code", sorted(set(ACTIONS) & set(FAMILIES)))
def test_what_a_family_looks_like_is_stopped_as_the_policy_says(code: str) -> None:
    severity = {"send": 0, "hold": 1, "refuse": 2}
    assert FAMILIES[code].examples
    for example in FAMILIES[code].examples:
        verdict = reviewed(example)
        assert code in codes_of(verdict), example
        assert severity[verdict.action] >= severity[ACTIONS[code]], example


@pytest.mark.parametrize("code", sorted(set(ACTIONS) & set(FAMILIES)))
def test_what_only_looks_like_it_is_not_called_so(code: str) -> None:
    for example in FAMILIES[code].harmless:
        assert code not in codes_of(reviewed(example)), example


@pytest.mark.parametrize("text", PASSES)
def test_everyday_messages_pass(text: str) -> None:
    verdict = reviewed(text)
    assert verdict.action == "send", verdict.findings


def test_what_the_gateway_keeps_of_the_judge_judges_alike() -> None:
    lines = [
        *PASSES,
        *(text for family in FAMILIES.values() for text in (*family.examples, *family.harmless)),
    ]
    assert len(lines) > 200
    assert JUDGE.judge_many(lines) == WHOLE.judge_many(lines)
    assert JUDGE.hash == WHOLE.hash


def test_the_verdict_names_the_judge_and_batches_judge_alike() -> None:
    texts = [*PASSES, *(example for family in FAMILIES.values() for example in family.examples[:1])]
    cases = [
        Case(
            Submission(id=n, customer="acme", recipient=f"1380013{n:04d}", text=text, received_at=NOON), FACTS
        )
        for n, text in enumerate(texts)
    ]
    together = review(cases, REGISTRY, POLICY, NOON, BEIJING, JUDGE)
    assert {verdict.reader for verdict in together} == {JUDGE.hash}
    assert [codes_of(verdict) for verdict in together] == [codes_of(reviewed(text)) for text in texts]
    without = review(cases[:1], REGISTRY, POLICY, NOON, BEIJING)
    assert without[0].reader == ""


def test_a_registered_link_answers_what_is_about_links() -> None:
    text = "【明灯】您的ETC已失效,请点击https://{}/etc重新认证"
    assert codes_of(reviewed(text.format("etc-renew.xyz"))) & ABOUT_LINKS
    assert not codes_of(reviewed(text.format("www.example.cn"))) & ABOUT_LINKS


def test_a_score_may_only_ask_for_a_person(tmp_path: Path) -> None:
    scored = make_text_judge(Settings(suspicion="shipped"))
    assert scored.hash != JUDGE.hash
    texts = [example for family in FAMILIES.values() for example in family.examples]
    cases = [
        Case(Submission(id=n, customer="acme", recipient=f"138{n:08d}", text=text, received_at=NOON), FACTS)
        for n, text in enumerate(texts)
    ]
    plain = review(cases, REGISTRY, POLICY, NOON, BEIJING, JUDGE)
    lifted = review(cases, REGISTRY, POLICY, NOON, BEIJING, scored)
    changed = [
        (before.action, after.action)
        for before, after in zip(plain, lifted, strict=True)
        if before.action != after.action
    ]
    assert set(changed) <= {("send", "hold")}
    for name in ("missing.bin", __file__):
        with pytest.raises(SettingsInvalid):
            make_text_judge(Settings(suspicion=str(tmp_path / name if name == "missing.bin" else name)))
