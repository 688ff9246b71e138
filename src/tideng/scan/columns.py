"""What the columns of a table hold: by their heading and by their values; and what that makes the rows in
law.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tideng.identifiers.bank_card import read_bank_card
from tideng.identifiers.plan_cn import PLAUSIBLE_FIVE
from tideng.identifiers.resident_id import is_resident_id
from tideng.identifiers.spans.find import find
from tideng.identifiers.spans.names import looks_like_name

SAMPLE_ROWS: Final = 24
SHARE_LEAST: Final = 0.6
"""So much of a column's sample must be of a kind before the column is."""
CELL_CHARACTERS_MAX: Final = 200

_HEADINGS: Final = (
    ("resident_id", r"身份证|证件号|公民身份|id_?card|id_?no|idnum|sfz|cert_?no"),
    ("bank_card", r"银行卡|卡号|银行账[号户]|card_?no|card_?num|bank_?card|bank_?account"),
    ("mobile", r"手机|电话|联系方式|联系号码|mobile|phone|tel|cell|sjh|dh$"),
    ("email", r"邮箱|邮件|e-?mail"),
    ("address", r"地址|住址|住所|户籍|籍贯|addr"),
    ("birth_date", r"出生|生日|birth"),
    ("wechat", r"微信|wechat|wx"),
    ("qq", r"^qq|qq号|扣扣"),
    ("plate", r"车牌|号牌|plate"),
    ("passport", r"护照|passport"),
    ("password", r"密码|口令|passw|pwd"),
    ("account", r"用户名|账号|帐号|登录名|account|user_?name|login"),
    (
        "name",
        r"姓名|名字|联系人|收[件货]人|寄件人|户名|会员名|客户名|客户$|业主|车主|学生|家长|患者|法人|负责人|(?<![a-z])(?:real_?|full_?|cust(?:omer)?_?)?name$|^xm$",
    ),
    ("sex", r"^性别|sex|gender"),
)
_CLASSES: Final = (
    # 法释〔2017〕10号 art. 5(1)(三) and (四), by what headings say; whether it is one is for the appraiser.
    (3, "track", r"轨迹|定位|经纬|经度|纬度|坐标|基站|gps|\blat|\blng|\blon"),
    (3, "communication_content", r"通话内容|短信内容|聊天内容|聊天记录|消息内容|录音"),
    (3, "credit", r"征信|信用分|信用报告|信用评|芝麻分|逾期"),
    (3, "property", r"余额|资产|存款|房产|财产|持仓|股票账户|公积金|月收入|年收入|工资|薪|贷款额|授信"),
    (4, "lodging", r"住宿|入住|离店|酒店|宾馆|房间号|房号"),
    (4, "communication_record", r"通话记录|通话时[长间]|话单|主叫|被叫|通信记录"),
    (4, "health", r"病历|病史|诊断|健康|体检|血型|就诊|处方|用药|疾病|症状|孕|手术|住院|门诊|医保"),
    (4, "transaction", r"交易|订单|购买|消费|商品|成交|下单|支付金额|付款金额|采购"),
)
_SENSITIVE: Final = (
    # 个人信息保护法 art. 28 and GB/T 45574-2025: labels only, they move no threshold.
    ("biometric", r"指纹|人脸|面部|虹膜|声纹|掌纹|耳廓|步态|基因|\bdna\b|face_?id|fingerprint"),
    ("religion", r"宗教|信仰|教派|religion"),
    ("specific_identity", r"残疾|残障|犯罪|前科|服刑|吸毒|戒毒|社区矫正|disab"),
    ("id_photo", r"(?:身份证|证件)(?:照|图|影像|扫描|正面|反面|复印)"),
)
_SENSITIVE_PATTERNS: Final = tuple((label, re.compile(pattern, re.I)) for label, pattern in _SENSITIVE)
_HEADING_PATTERNS: Final = tuple((role, re.compile(pattern, re.I)) for role, pattern in _HEADINGS)
_CLASS_PATTERNS: Final = tuple((tier, label, re.compile(pattern, re.I)) for tier, label, pattern in _CLASSES)


class Columns(Struct, frozen=True):
    """The roles of a table's columns, and the legal classes that its headings speak of."""

    roles: tuple[str, ...] = ()
    """One per column, "" when it is nothing personal."""
    labels: tuple[str, ...] = ()
    """`track`, `health`, `transaction` …"""
    low: int = 5
    """The class (item of art. 5(1): 3, 4 or 5) of a row, read as strictly as the headings allow …"""
    high: int = 5
    """… and as gravely as they allow."""

    def places(self, role: str) -> tuple[int, ...]:
        """The columns of this role."""
        return tuple(place for place, other in enumerate(self.roles) if other == role)


def classify(header: Sequence[str], sample: Sequence[Sequence[str]]) -> Columns:
    """The roles of the columns of a table, from its header (may be empty) and some rows."""
    width = max([len(header), *(len(row) for row in sample[:SAMPLE_ROWS])], default=0)
    roles = []
    for place in range(width):
        heading = header[place].strip() if place < len(header) else ""
        values = [
            row[place].strip()[:CELL_CHARACTERS_MAX] for row in sample[:SAMPLE_ROWS] if place < len(row)
        ]
        roles.append(_role(heading, [value for value in values if value]))
    said = {
        (tier, label)
        for heading in header
        for tier, label, pattern in _CLASS_PATTERNS
        if pattern.search(heading)
    }
    labels = {label for _, label in said} | {
        label for heading in header for label, pattern in _SENSITIVE_PATTERNS if pattern.search(heading)
    }
    tiers = [tier for tier, _ in said]
    # Headings such as 余额 or 订单 may mean little: read strictly the row stays in the residual class.
    sure = [
        tier
        for tier, label in said
        if label in ("track", "credit", "health", "lodging", "communication_content")
    ]
    return Columns(tuple(roles), tuple(sorted(labels)), min(sure, default=5), min(tiers, default=5))


def _role(heading: str, values: Sequence[str]) -> str:
    by_heading = next(
        (role for role, pattern in _HEADING_PATTERNS if heading and pattern.search(heading)), ""
    )
    if not values:
        return by_heading
    by_value = _role_by_value(values)
    if by_heading == "name" and by_value in ("", "name"):
        share = sum(looks_like_name(value) or "*" in value for value in values) / len(values)
        return "name" if share >= 0.3 else ""
    if by_heading == "mobile" and by_value in ("landline", "mobile"):
        return by_value
    if by_value and by_heading not in ("wechat", "qq", "account", "password"):
        return by_value
    return by_heading


def _role_by_value(values: Sequence[str]) -> str:
    kinds: Counter[str] = Counter()
    for value in values:
        if looks_like_name(value):
            kinds["name"] += 1
            continue
        plain = _plain_number(value)
        if plain is not None:
            kinds[plain] += 1
            continue
        for span in find(value):
            if span.end - span.start >= 0.8 * len(value):
                kinds[span.kind] += 1
    if not kinds:
        return ""
    kind, count = kinds.most_common(1)[0]
    return kind if count >= max(2 if len(values) > 2 else 1, SHARE_LEAST * len(values)) else ""


def _plain_number(value: str) -> str | None:
    """The kind of a bare number; "" for one of no kind; None for what `find` must look at."""
    if not (value.isascii() and value[:-1].isdigit()) or len(value) in (8, 10, 12):
        return None
    if len(value) == 11 and value[:5] in PLAUSIBLE_FIVE:
        return "mobile"
    if len(value) in (15, 18) and is_resident_id(value):
        return "resident_id"
    return "bank_card" if len(value) >= 15 and read_bank_card(value) else None if len(value) >= 7 else ""
