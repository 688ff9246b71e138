"""The visiting officer's paper: where to go, what to look for, what to ask, why. PDF/A, same input same
bytes."""

from datetime import datetime, timedelta
from typing import Final

from tideng.calls.cases import LOOK_FOR, PHOTOS, QUESTIONS, Visit
from tideng.documents import pdf

SAYS: Final = {
    "strangers": "短时间内呼叫大量从未联系过的号码",
    "rhythm": "呼叫间隔短而均匀,像机器或名单外呼",
    "short_or_missed": "未接通或几秒即挂断的比例高于本线路平时",
    "usual_contacts": "平时常联系的号码不再联系,几乎不重拨",
    "line_in_use": "线路几乎持续占用",
    "incoming": "来电减少或打不进来,陌生被叫无人回拨",
    "talk": "秒挂与超长通话混杂",
    "hours": "呼叫时段与平时不同",
    "shared_callees": "被叫与其他突然活跃的线路重合",
    "report": "有人反映该线路打来诈骗电话",
    "linkage": "同一地址或同一装维人员的其他线路也突然活跃",
    "habits": "与本线路平时的呼叫习惯相比",
}
TEMPLATE: Final = """\
#align(center)[#text(size: 17pt, weight: "bold")[电话线路上门核查单] \\
  #text(size: 10pt)[Visit the line · #data.id]]
#v(4mm)
#table(columns: (32mm, 1fr), inset: 6pt, stroke: 0.5pt,
  [线路 Line], text(size: 13pt, weight: "bold", data.line),
  [机主 Owner], data.owner, [地址 Address], data.address,
  [开始 Began], data.began, [预警 Alarm], data.alarm,
  [已拨出 Calls], data.calls, [级别 Tier], data.tier,
  [账本条目 Entry], data.entry)
#v(3mm)
*为什么去 Why*
#table(columns: (1fr, 22mm), inset: 5pt, stroke: 0.5pt, ..data.reasons.flatten())
#text(size: 9pt)[数值为对数几率;合计 #data.score,阈值 #data.threshold。预警是线索,不是结论;机主通常是受害者。]
#v(2mm)
*看什么 Look for*
#for item in data.look [ #box(width: 4mm, height: 4mm, stroke: 0.6pt) #h(2mm) #item #linebreak() ]
#v(2mm)
*问什么 Ask*
#for item in data.ask [ #item #v(5mm) #line(length: 100%, stroke: 0.3pt) ]
*拍照 Photograph*
#for item in data.photos [ #box(width: 4mm, height: 4mm, stroke: 0.6pt) #h(1mm) #item #h(4mm) ]
#v(5mm)
结论 Found: #box(width: 4mm, height: 4mm, stroke: 0.6pt) 属实 confirmed #h(6mm) #box(width: 4mm, height: 4mm,
stroke: 0.6pt) 不属实 not confirmed
#v(8mm)
签名 Signature #box(width: 50mm, line(length: 100%, stroke: 0.5pt)) #h(8mm)
时间 Time #box(width: 40mm, line(length: 100%, stroke: 0.5pt))
"""


def paper(visit: Visit, *, at: datetime, zone_s: int = 28_800) -> bytes:
    """The PDF for one case, dated `at`. Raises `tideng.documents.pdf.PaperFailed`."""

    def clock(seconds: int) -> str:
        return (datetime.fromtimestamp(seconds, at.tzinfo) + _away(at, zone_s)).strftime("%Y-%m-%d %H:%M:%S")

    data = {
        "id": visit.id[:16],
        "line": visit.line,
        "owner": visit.owner or "(向运营商调取 ask the carrier)",
        "address": visit.address or "(向运营商调取 ask the carrier)",
        "began": clock(visit.first_call_at),
        "alarm": clock(visit.alarm_at),
        "calls": f"{visit.calls_placed} 次",
        "tier": "建议停机 suspend" if visit.tier == "suspend" else "先联系机主 call the owner",
        "entry": str(visit.entry),
        "reasons": [[SAYS.get(name, name), f"{weight:+.2f}"] for name, weight in visit.reasons if weight > 0],
        "score": f"{visit.score:.2f}",
        "threshold": f"{visit.threshold:.2f}",
        "look": [f"{zh} / {en}" for zh, en in LOOK_FOR],
        "ask": [f"{zh} / {en}" for zh, en in QUESTIONS],
        "photos": list(PHOTOS),
    }
    return pdf.render(TEMPLATE, data, at=at, title="电话线路上门核查单")


def _away(at: datetime, zone_s: int) -> timedelta:
    """From `at`'s own zone to the line's."""
    return timedelta(seconds=zone_s) - (at.utcoffset() or timedelta())
