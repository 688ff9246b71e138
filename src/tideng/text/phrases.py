"""Families of words that mean one thing. Each is one compiled pattern over folded text.

They say what a text does (asks for a debt, threatens, hurries); whether that may be sent is policy.
All repeats are bounded, so searching is linear in the length of the text.
"""

import re
from typing import Final

_GAP: Final = r"[^。;!\n]"

DEBT: Final = re.compile(
    r"欠款|欠费|欠债|欠[您你我他]|拖欠|逾期|催收|催缴|催款|债务|债权|结清|还清|清偿|偿还|尽快还款|还款义务|立即还款|未还|应还|还款"
    r"|账单已到期|借款|借贷|贷款|代偿|欠您|outstanding (?:debt|balance|amount)|overdue|past due|in arrears|you owe|debt collect"
)
CLAIM: Final = re.compile(
    # Stronger than DEBT: the text says that its reader owes.
    r"欠款|欠债|拖欠|逾期|催收|催款|债务|债权转让|代偿|未还|还清|结清|清偿|立即还款|尽快还款|归还欠|欠[您你我他]|overdue|you owe|debt collect|outstanding debt"
)
THREAT: Final = re.compile(
    rf"追究{_GAP}{{0,8}}(?:责任|刑责)|追责|法律责任|法律途径|法律手段|法律程序|司法程序|司法途径|提起诉讼|起诉|诉讼|强制执行"
    rf"|失信(?:被执行|人|名单)|黑名单|上报征信|影响{_GAP}{{0,6}}(?:征信|信用|子女)|列入{_GAP}{{0,4}}征信|移交{_GAP}{{0,6}}(?:公安|司法|法院|律师|外访)"
    rf"|上门(?:催收|走访|核实|外访|处理|讨)|外访|立案|报案|报警处理|拘留|逮捕|坐牢|通缉|后果自负|一切后果"
    rf"|(?:联系|通知|告知|致电|公布){_GAP}{{0,4}}(?:家人|家属|亲友|亲属|父母|单位|同事|通讯录|村委|紧急联系人)"
    r"|冻结(?:您|你)?的?(?:名下|资产|账户|银行卡|微信|支付宝)|查封|律师函|legal action|lawsuit|sue you|court action|be arrested|arrest warrant"
)
DISCOUNT: Final = re.compile(
    rf"(?:减免|减免政策|优惠|折扣|打折|免息|免除|让利|特批|特殊减免){_GAP}{{0,24}}(?:结清|还清|结案|了结|清账|销账|平账)"
    rf"|(?:只需|仅需|仅|再|一次性)?(?:还|付|支付|缴纳|归还){_GAP}{{0,12}}(?:即可|就可|可){_GAP}{{0,3}}(?:结清|还清|结案|了结|清账|销账|平账)"
    rf"|(?:结清|还清|结案){_GAP}{{0,8}}(?:减免|优惠|折扣|打\d折|免息)|\d折(?:结清|结案|还清)"
    rf"|(?:pay|settle){_GAP}{{0,24}}(?:settle|clear){_GAP}{{0,12}}(?:debt|account|balance)|settlement discount|discounted settlement"
)
PRESSURE: Final = re.compile(
    rf"(?:过期|逾期|超时|到期){_GAP}{{0,6}}(?:取消|作废|失效|不候|无效|停用|冻结|注销|追责|起诉|视为)|最后(?:一天|机会|期限|通知|一次|警告|\d{{1,2}}小时)"
    rf"|(?:今日|今天|今晚|当日|明日|明天|\d{{1,2}}小时|\d{{1,2}}点|\d{{1,2}}:\d\d|下班|立即|立刻|马上|务必|速|尽快){_GAP}{{0,14}}(?:还款|缴清|结清|处理完毕|还清|付清|归还|否则)"
    rf"|否则{_GAP}{{0,14}}(?:责任|起诉|冻结|注销|停用|失效|后果|处理|承担|封|取消)|名额有限|仅限今天|仅限今日|即将(?:冻结|注销|失效|封停|停机封号)"
    r"|永久取消|限时\d{1,2}(?:小时|分钟)|final notice|last chance|last warning|act now|immediately or|expires (?:today|tonight)"
)
ASK_CODE: Final = re.compile(
    rf"(?:验证码|校验码|动态码|动态密码|短信码|确认码){_GAP}{{0,10}}(?:告诉|告知|发给|发送给|转发|报给|提供给|回复给|截图|念给)"
    rf"|(?:告诉|告知|发给|发送|转发|报|提供|回复|把|将|截图){_GAP}{{0,8}}(?:验证码|校验码|动态码|动态密码|短信码|确认码)"
    rf"|(?:send|tell|give|forward|reply with){_GAP}{{0,16}}(?:verification code|otp|one[- ]time (?:code|password)|the code)"
)
NOT_GIVE: Final = re.compile(
    r"勿|请不要|不要|切莫|切忌|别把|不得|谨防|绝不|不会(?:向|索|要|以|让)|从不|警惕|do not|don't|never|not share|泄[露漏]|任何人"
)
AUTHORITY: Final = re.compile(
    r"公安|检察院|法院|派出所|网警|刑警|刑侦|民警|警方|海关|纪委|银保监|反诈中心|通信管理局|社保局|医保局|police|court|customs|prosecutor"
)
ACCUSED: Final = re.compile(
    r"涉嫌|涉案|洗钱|通缉|逮捕|拘捕|拘传|冻结|立案|传票|违法|犯罪|骗保|资金清查|安全账户|配合调查|保密|停用|失信|warrant|money launder|suspect"
)
VERIFY: Final = re.compile(
    r"验证码|校验码|注册码|动态码|动态密码|短信码|确认码|verification code|security code|passcode|one[- ]time|(?<![a-z])otp(?![a-z])|code is"
)
PROMO: Final = re.compile(
    r"促销|特惠|优惠券?|折扣|\d折|打折|满\d{1,5}[减送]|秒杀|抢购|限时|大促|特价|钜惠|立减|红包|买一送|新品|上新|会员日|双1[12]|周年庆|福利|清仓"
    r"|免费领|领取|礼包|代金券|立省|低至|包邮|爆款|诚邀|盛大开业|招募|热销|开抢|团购|预售|返现|抽奖|sale|discount|% off|coupon|promo|free gift|special offer"
)
SERVICE: Final = re.compile(
    r"快递|包裹|取件|派送|订单|预约|就诊|挂号|检查|航班|车次|余额|账单|扣款|缴费|停水|停电|开会|会议|放学|家长|作业|到期|提醒|通知|尾号|办理|验证码"
)


def seen(pattern: re.Pattern[str], text: str) -> str:
    """The first words of this family in `text`; "" when there are none."""
    found = pattern.search(text)
    return found[0] if found else ""
