"""Whole verdicts: the stories, the desk's own examples in our words, and the figures on lines held apart."""

import msgspec
import pytest

from text_judging.ready import codes, held_apart, judge, tables, verdict
from tideng.text.judging import TEXT_CHARACTERS_MAX
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.suspicion import read_scorer
from tideng.text.tables import bundled_tables
from tideng.text.weights import bundled_weights


def check(text: str, wanted: str, *seen: str) -> None:
    judged = verdict(text)
    assert judged.verdict == wanted, judged
    assert set(seen) <= {finding.code for finding in judged.findings}


def test_the_debt_that_was_not_owed() -> None:
    check(
        "【某某资产】王某,目前最新欠款:27911元,现申请特殊减免还9431元即可结清,过期追究法律责任,退订回T",
        "danger",
        "DEBT_DEMAND",
        "DISCOUNT_TO_SETTLE",
    )


def test_lists_for_sale() -> None:
    judged = verdict("出精准客户电销数据,0.3元一条,量大从优,可拿样,飞机@abc99")
    assert judged.data_for_sale
    assert judged.review == "refuse"


def test_the_box_behind_the_sofa() -> None:
    check("免费宽带升级,师傅上门换盒子,座机线一起接上", "danger", "DOORSTEP_FREE_UPGRADE")


@pytest.mark.parametrize(
    ("text", "wanted", "code"),
    [
        ("验证码 771203,5分钟内有效,请勿告诉他人", "harmless_kind", "ONE_TIME_CODE"),
        ("您的包裹已到驿站,取件码5-2-1034,请今日领取", "harmless_kind", "PICK_UP_CODE"),
        ("您尾号3321的储蓄卡支出89.00元,余额1203.44元", "harmless_kind", "BALANCE_NOTICE"),
        ("反诈提醒:要求转账到安全账户的都是诈骗,切勿相信", "harmless_kind", "WARNING_TO_PUBLIC"),
        ("您可能正遭遇冒充客服诈骗,请拨打96110", "verify", "OFFICIAL_WARNING_FORM"),
        ("您的号码涉诈,请点击 fz-rz.cc 反诈中心认证", "danger", "OFFICIAL_WARNING_WITH_LINK"),
        ("把收到的验证码发给我", "danger", "ONE_TIME_CODE_ASKED"),
        ("在吗", "unknown", "TOO_SHORT"),
    ],
)
def test_kinds(text: str, wanted: str, code: str) -> None:
    check(text, wanted, code)


def test_nothing_is_called_safe_for_being_calm() -> None:
    assert verdict("今天天气不错,我们去公园走走").verdict == "unknown"


def test_a_warning_finding_takes_the_harmless_kind_away() -> None:
    assert verdict("您的包裹已到驿站,取件码5-2-1034,丢件理赔请加客服微信提供银行卡号").verdict == "danger"


def test_too_long_and_unreadable_texts_say_so() -> None:
    assert "TEXT_TOO_LONG" in codes("好" * (TEXT_CHARACTERS_MAX + 1))
    assert "NOT_READABLE_TEXT" in codes("\x00\x01\x02\x03" * 20 + "abc")
    assert "TEXT_EMPTY" in codes("")


def test_many_are_judged_as_each_alone() -> None:
    texts = [row["text"] for row in held_apart()][::9]
    assert judge().judge_many(texts) == [judge().judge(text) for text in texts]


def test_the_figures_on_lines_held_apart() -> None:
    """The issue asks: danger recall 0.95 at precision 0.97; harmless called dangerous at most 0.5 %."""
    rows = held_apart()
    judged = judge().judge_many([row["text"] for row in rows])
    danger = [
        one.verdict == "danger" for row, one in zip(rows, judged, strict=True) if row["expect"] == "danger"
    ]
    false = [
        row["text"]
        for row, one in zip(rows, judged, strict=True)
        if row["expect"] == "harmless" and one.verdict == "danger"
    ]
    assert len(danger) >= 250
    assert len(rows) >= 600
    assert sum(danger) / len(danger) >= 0.95
    assert sum(danger) / (sum(danger) + len(false)) >= 0.97
    assert len(false) / (len(rows) - len(danger)) <= 0.005, false


@pytest.mark.parametrize(
    "text",
    [
        '他说"明天见",我说"好的",就这样',
        "【中国电信】您的积分1,820分将于12月31日到期,可登录电信App兑换话费",
        "【支付宝】你正在新设备登录,校验码6043,泄露有风险,如非本人操作请尽快修改密码",
        "税务机关不会通过短信链接要求您填银行卡密码",
        "各位邻居,我爸接了个电话,让他下软件开共享屏幕,民警说是骗子,大家给家里老人提个醒",
    ],
)
def test_what_quotes_or_denies_a_fraud_is_none(text: str) -> None:
    judged = judge().judge(text)
    assert judged.verdict != "danger", judged.findings
    assert "DISGUISED_LETTERS" not in {finding.code for finding in judged.findings}


def test_a_score_lifts_what_calms_too_and_lowers_nothing() -> None:
    scorer = read_scorer(bundled_weights(), tables())
    everybody = make_judge(
        bundled_tables(),
        bundled_knowledge(),
        bundled_verdict_policy(),
        suspicion=msgspec.structs.replace(scorer, threshold=0.0),
    )
    texts = [row["text"] for row in held_apart()]
    pairs = list(zip(judge().judge_many(texts), everybody.judge_many(texts), strict=True))
    assert {(plain.verdict, scored.verdict) for plain, scored in pairs} == {
        ("danger", "danger"),
        ("verify", "verify"),
        ("unknown", "needs_person"),
        ("harmless_kind", "needs_person"),
    }
    assert all(plain.findings == scored.findings for plain, scored in pairs)


@pytest.mark.parametrize(
    "text",
    [
        "奶茶要冰的,少放点糖",
        "这款酸奶有糖吗,我妈不能吃有糖的",
        "给宝宝办出生证明需要带什么材料",
        "验孕棒太早验不出来,过几天再测",
        "这事等于给自己埋雷的,别答应",
        "公交卡贴在手机背面就能读出余额,12元",
        "纸箱放垃圾桶旁边就行,保洁会收走",
        "纸箱到了先别开箱,等我回来一起验货",
        "毕业典礼前校园卡放讲台上我收一下",
        "货款请汇至以下账户,发票已寄出,请尽快安排,谢谢",
        "代买烟的二百块转你了,看到没",
        "办居住证续期要带身份证、手机",
        "老婆问起你就说这包三百块买的",
        "请把你的脸对准APP里的圆圈,绑卡立减5元",
        "社区健康讲座说老人每天吃一个鸡蛋,血压要少盐",
        "感冒药吃了两个疗程,已经停了",
        "高血压住院押金一千,出院时退",
        "灶具没有熄火保护的,燃气公司建议换一个带保护的,自己去商场买就行",
        "你女儿在哪个幼儿园?我家也想报名",
        "这花圈给王大爷家送去,追悼会九点开始",
        "金条的包装盒不要丢,回购时要验",
        "我舅在银行上班,说大额存单这周利率降了,我先存五千",
        "车手昨晚摔车,五成观众以为比赛要取消",
    ],
)
def test_what_everybody_says_is_no_danger(text: str) -> None:
    judged = judge().judge(text)
    assert judged.verdict != "danger", judged.findings


@pytest.mark.parametrize(
    "text",
    [
        "今天不还8000元我就直接报警抓你,让你全村都知道",
        "我们已经报了警,你逾期的6200元今天不处理就上门找你家人,法院起诉你",
        "不用加好友,直接把验证码发给我就行,我帮您取消扣费",
        "不需要先转账,您把银行卡号、密码和验证码发给客服,审核后退款到账",
        "您起诉的案件涉及洗钱,请立即把资金转到安全账户配合清查",
        "您的案件调解不收费,但请先把钱转到检察院安全账户核查",
        "本院不通过短信通知,请把存款全部转到安全账户核查",
        "先别转钱给别人,把全部存款转到安全账户我帮你保护",
    ],
)
def test_a_denial_or_a_word_of_the_police_calms_no_danger(text: str) -> None:
    judged = judge().judge(text)
    assert judged.verdict != "harmless_kind", judged.findings
