"""What calms, and what does not though the same words stand in it.

An exception that was made for one harmless line must not open a door: each of these dangers says a word that
some rule takes for a sign of honesty, as whoever deceives would.
"""

import pytest

from text_judging.ready import judge


@pytest.mark.parametrize(
    "text",
    [
        "您的报案已受理,请配合把资金转到安全账户核查,核查完原路退回",
        "我是市局民警,您涉嫌洗钱,先别去派出所,把存款转到监管账户",
        "千万别转给别人,先把钱转到这个安全账户我帮你保管",
        "验证码别给别人,只发给我就行,我帮您取消会员",
        "爸,我在住院部,急用两万押金,快转到这个护士卡上",
        "您家人车祸在急诊,我是财务科的,押金三万打到这个账户",
        "积分已兑换失败,请点击 jf-hd.top 重新领取话费",
        "我们支行的贷款批了,先交2000保证金,放款后退",
        "招聘客服岗位,其实就是收银行卡,一张一千五",
        "日结兼职,淘宝刷单不收任何费用,佣金秒到,加我进群",
        "您的航班取消,可免费改签并补偿300元,请加客服QQ 123456789",
        "您的退款未确认,请加微信客服办理,开共享屏幕指导",
        "您账户异常,请登录手机银行 wap-icbc.top 恢复,解除限制",
        "您的ETC已停用,公众号里点链接 etc-rz.top 重新认证",
        "成人电影网站,一对一裸聊,加我看",
        "您卡里的钱不安全,请去柜台取出来交给专案组同志,柜员问就说装修",
        "办证主营学历证书,报价优惠,学信网可查",
        "孩子被绑架了,千万别报警,拿二十万来赎",
        "您孩子在学校晕倒送医院,先交一万押金到主任卡上,门诊等着",
        "先交验资费,审核通过就放款,征信黑户也行",
        "我要真是骗子我还会给你看工作证吗,你先把门关好,这是保密案件",
        "银行卡借我三天给你一千,不是骗人的,用完就还",
        "我们这个不是洗钱的,走正规货款,收银行卡一张一天五百",
        "欠我五千不还就去报警啊,应该报警的是我,明天把你照片发你单位群",
        "再不配合就没收全部存款,把钱转到安全账户",
        "最近冒充客服的骗子很多,为了您的资金安全,请下载会议软件,我一对一指导您关掉扣费",
    ],
)
def test_a_word_of_honesty_calms_no_danger(text: str) -> None:
    judged = judge().judge(text)
    assert judged.verdict == "danger", judged.findings


@pytest.mark.parametrize(
    "text",
    [
        "【桐江银行】您预留的证件下月到期,届时部分功能受限,请到任一网点或在本行App更新。客服95588",
        "【桐江电力】电费查询、过户和发票下载请到营业厅办理,停电报修95598",
        "【铁路12306】因大风您购买的列车停运,可免手续费退票,到官网办理",
        "【桐江人社】失业保险金已核定,每月1,900元,发到社保卡,到服务窗口咨询",
        "【视频会员】明天自动续费15元,不想续了在“自动续费”里关掉即可",
        "工厂招普工,包住,当天入职,不收押金",
        "书借出去两周,逾期一天一毛,记得还",
        "表哥说有人冒充他借钱,他的号被盗号了,大家别信",
        "村里那个听课送鸡蛋的是骗人的,我跟我妈讲了",
        "付款码给收银员扫一下,一共二十六块",
        "宠物店周末位置不多了,每天发视频给主人看",
        "您反映的路灯问题,可以打街道电话再催一下",
    ],
)
def test_what_leads_to_the_institution_or_is_told_of_is_no_danger(text: str) -> None:
    judged = judge().judge(text)
    assert judged.verdict not in ("danger", "verify"), judged.findings


@pytest.mark.parametrize(
    "text",
    [
        "我收到短信说我的ETC停用了要点链接,这是不是骗人的",
        "我在网上借款,对方让先交解冻金,是不是骗我的,钱还没交",
    ],
)
def test_who_asks_whether_it_is_fraud_is_not_told_that_it_is_harmless(text: str) -> None:
    assert judge().judge(text).verdict != "harmless_kind"
