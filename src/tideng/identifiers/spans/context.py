"""Words that stand beside a number and say what it is, or what it is not."""

import re
from typing import Final

BEFORE_CHARACTERS: Final = 16

PHONE: Final = re.compile(
    r"(?:手机|电话|联系方式|联系|致电|拨打|来电|号码|热线|短信|传真|座机|固话|tel|phone|mobile|cell|fax|call|whatsapp|"
    r"微信|wechat|支付宝|收件|收货|寄件|本机|尾号|\bmob|\bph)",
    re.IGNORECASE,
)
CARD: Final = re.compile(
    r"(?:银行|卡号|账号|帐号|账户|帐户|储蓄|借记|信用卡|工资卡|付款|收款|打款|转账|汇款|开户|银联|"
    r"工行|建行|农行|中行|招行|交行|邮储|card|account|acct|visa|master|union)",
    re.IGNORECASE,
)
IDENTITY: Final = re.compile(
    r"(?:身份|证件|公民|户口|居民|证号|身份证|居住证|驾驶证|驾照|社保|医保|社会保障|\bid\b|id[ _-]?(?:card|no|number)|identity|sfz|idcard)",  # noqa: E501
    re.IGNORECASE,
)
ORDER: Final = re.compile(
    r"(?:订单|单号|流水|运单|快递|物流|交易号|交易编|工单|批次|批号|序列|编号|编码|条码|条形码|凭证|发票|合同号|时间戳|"
    r"版本|请求|日志|追踪|商品|货号|库存|金额|余额|价格|数量|任务|会话|案号|车架|设备号|资产|学号|工号|票号|航班|书号|"
    r"哈希|校验|统计|样本|测试码|挂号|提单|受理号|"
    r"order|trace|\blot\b|\brows?\b|\bcount\b|serial|\bsn\b|sku|isbn|uuid|guid|hash|timestamp|\bts\b|token|session|request|version|build|batch|"
    r"tracking|invoice|transaction|txn|\bseq|amount|price|total|barcode|\bean\b|\bupc\b|\bpid\b|offset|\bbytes?\b)"
    # Only where it stands right before the number: 您的订单已发货，138… is a phone number all the same.
    r"[ _-]?(?:号码?|编号|单号|码|id|no\.?|num(?:ber)?)?[ :：=#为是\"'（(\[]{0,4}$",
    re.IGNORECASE,
)
IOT: Final = re.compile(r"物联|\biot\b|\bm2m\b|流量卡|\bmsisdn\b", re.IGNORECASE)
IMEI: Final = re.compile(
    r"imei|串号|串码|机身码|(?:手机|移动设备|终端)识别码|设备识别|解绑|同一设备|设备号|device[ _-]?id",
    re.IGNORECASE,
)
IMSI: Final = re.compile(r"imsi", re.IGNORECASE)
PASSPORT: Final = re.compile(r"护照|passport", re.IGNORECASE)
TAIWAN: Final = re.compile(r"台胞证|台湾居民|台湾通行|台湾.{0,4}证|taiwan", re.IGNORECASE)
PERMIT: Final = re.compile(r"通行证|回乡证|港澳|permit", re.IGNORECASE)
PLATE: Final = re.compile(r"车牌|牌照|号牌|车号|车辆|plate", re.IGNORECASE)
VERSION: Final = re.compile(
    r"(?:版本号?|内核|kernel|build|升级[至到为]?|更新[至到为]?|回滚[至到]?|降级[至到]?|→|->|=>|version|\bv|ver\.?|release|firmware|固件)"
    r"[ :]?$",
    re.IGNORECASE,
)


def before(folded: str, start: int) -> str:
    """The characters in front of `start` that belong to the same clause."""
    clause = folded[max(0, start - BEFORE_CHARACTERS) : start]
    cut = max(clause.rfind(mark) for mark in "。;!?\n")
    return clause[cut + 1 :]


def nearest(clause: str, *patterns: re.Pattern[str]) -> int:
    """Which of `patterns` ends last in `clause`; -1 if none occurs."""
    best, where = -1, -1
    for number, pattern in enumerate(patterns):
        for found in pattern.finditer(clause):
            if found.end() >= where:
                best, where = number, found.end()
    return best
