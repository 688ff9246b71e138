"""The words of the report, in two languages. Headings follow the parts of a record of search (GB/T 29362-2023)."""

from typing import Final

ZH: Final = {
    "title": "电子数据搜索检验与公民个人信息数量鉴定报告",
    "lead": "本报告只陈述数量与方法，不作定罪量刑判断；结论由鉴定人签署后生效。数据默认脱敏显示。",
    "persons": "去重后人数", "records": "条数", "with_id": "按身份证号", "others": "按其他要素", "children": "未满十四周岁",
    "read": "已读字节", "unread": "未读字节", "files": "文件数", "interval": "人数区间",
    "h_request": "一、委托与检材", "h_tools": "二、检验工具与环境", "h_process": "三、检验过程", "h_result": "四、检验结果",
    "h_law": "五、与法释〔2017〕10号数量标准的对照", "h_sample": "六、抽样核验", "h_unread": "七、未能读取的部分",
    "h_custody": "八、保管链与校验值", "h_sign": "九、说明与签署",
    "paths": "检材路径", "started": "开始", "ended": "结束", "software": "软件", "tables": "对照表日期", "rules": "人员归并规则",
    "kind": "类型", "found": "检出次数", "distinct": "去重后", "share": "占比", "file": "文件", "new": "首次出现的人数", "format": "格式", "reason": "原因",
    "bytes": "字节", "member": "成员", "detail": "说明", "value": "脱敏样例", "line": "行", "chart_kinds": "各类个人信息检出次数",
    "chart_age": "年龄分布（按身份证号）", "chart_province": "地区分布（按身份证号前两位）", "chart_files": "各文件首次出现的人数",
    "lowest": "最严口径（去重、从严归类）", "highest": "最宽口径（逐条、从宽归类）", "times": "达到“情节严重”的倍数", "band": "数量档次",
    "below": "未达到", "serious": "达到“情节严重”", "especially_serious": "达到“情节特别严重”", "item": "项", "threshold": "标准", "count": "数量",
    "change": "何种变化会改变档次", "more": "再增加", "fewer": "减少", "to": "则变为",
    "law_note": "批量信息按查获数量认定，有证据证明不真实或者重复的除外（第十一条）；第三项、第四项敏感信息不宜推定，应逐一认定。以上为工程计算，供鉴定人参考。",
    "method": "逐字节读取；身份证号核对校验码（ISO 7064 MOD 11-2）、出生日期与历史行政区划；银行卡核对 Luhn 与发卡行标识；手机号核对号段表；同一人按身份证号，其次按手机号、卡号、邮箱、姓名加出生日期或地址归并；两个身份证号从不合并，冲突单列。",
    "conflicts": "被两个以上身份证号共用的要素", "sample_none": "尚未抽样。用 tideng sample 制订方案：方案与随机种子先存证，后抽取；不得以联系被害人的方式核验。",
    "root": "账本根值", "entries": "账本条目", "sign": "鉴定人（签名）：________________　复核人（签名）：________________　日期：____________",
    "labels": "表头提示的敏感类别", "labels_note": "《个人信息保护法》第二十八条敏感个人信息与 GB/T 45574 标签另行标注，不等同于刑事数量档次。", "none": "无",
}  # fmt: skip
EN: Final = {
    "title": "Record of search and appraisal of the quantity of personal data",
    "lead": "This report states quantities and methods. It is no verdict on anybody; an appraiser signs. Data are masked by default.",
    "persons": "persons, duplicates removed", "records": "records", "with_id": "by resident ID", "others": "by other keys", "children": "under 14",
    "read": "bytes read", "unread": "bytes unread", "files": "files", "interval": "interval of persons",
    "h_request": "1 Request and material", "h_tools": "2 Tools and environment", "h_process": "3 What was done", "h_result": "4 Results",
    "h_law": "5 Against the thresholds of 法释〔2017〕10号", "h_sample": "6 Sample checks", "h_unread": "7 What could not be read",
    "h_custody": "8 Custody and hashes", "h_sign": "9 Notes and signature",
    "paths": "material", "started": "began", "ended": "ended", "software": "software", "tables": "tables as of", "rules": "rules for persons",
    "kind": "kind", "found": "findings", "distinct": "distinct", "share": "share", "file": "file", "new": "persons first seen here", "format": "format", "reason": "reason",
    "bytes": "bytes", "member": "member", "detail": "detail", "value": "masked sample", "line": "line", "chart_kinds": "Findings by kind",
    "chart_age": "Ages (by resident ID)", "chart_province": "Provinces (first two digits of the ID)", "chart_files": "Persons first seen, by file",
    "lowest": "lowest reading (joined, strict classes)", "highest": "highest reading (record by record, wide classes)", "times": "times “serious”", "band": "band by quantity",
    "below": "below", "serious": "serious", "especially_serious": "especially serious", "item": "item", "threshold": "threshold", "count": "count",
    "change": "What would change the band", "more": "more", "fewer": "fewer", "to": "makes it",
    "law_note": "Bulk counts are taken as seized unless shown untrue or duplicate (art. 11); items (3) and (4) should be established one by one. Arithmetic for the appraiser, no legal opinion.",
    "method": "Every byte was read where a reader exists. Resident IDs: check character (ISO 7064 MOD 11-2), date, region by year; cards: Luhn and issuer; mobiles: numbering plan. A person is a resident ID, else a mobile, card, mail address or name with birth date or address; two IDs are never joined, conflicts are counted.",
    "conflicts": "keys shared by two or more IDs", "sample_none": "No sample has been drawn. `tideng scan sample` commits plan and seed before drawing; never verify by calling the people concerned.",
    "root": "root of the ledger", "entries": "entries", "sign": "Appraiser: ________________  Reviewer: ________________  Date: ____________",
    "labels": "classes that headings speak of", "labels_note": "PIPL art. 28 and GB/T 45574 labels are kept apart from the criminal thresholds.", "none": "none",
}  # fmt: skip
KINDS_ZH: Final = {
    "resident_id": "居民身份证号", "mobile": "手机号", "landline": "固定电话", "bank_card": "银行卡号", "email": "电子邮箱", "name": "姓名", "address": "地址",
    "plate": "车牌号", "credit_code": "统一社会信用代码", "passport": "护照号", "hk_macao_permit": "港澳通行证", "taiwan_permit": "台胞证", "military_id": "军官证",
    "imei": "IMEI", "imsi": "IMSI", "mac": "MAC 地址", "ipv4": "IPv4 地址", "ipv6": "IPv6 地址", "coordinates": "经纬度", "wechat": "微信号", "qq": "QQ 号",
    "birth_date": "出生日期", "account": "账号", "password": "密码", "masked_mobile": "已脱敏手机号", "masked_resident_id": "已脱敏身份证号",
    "masked_bank_card": "已脱敏卡号", "masked_name": "已脱敏姓名", "damaged_number": "表格软件损坏的号码",
}  # fmt: skip
PROVINCES: Final = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁", "22": "吉林", "23": "黑龙江", "31": "上海", "32": "江苏", "33": "浙江",
    "34": "安徽", "35": "福建", "36": "江西", "37": "山东", "41": "河南", "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川",
    "52": "贵州", "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏", "65": "新疆", "71": "台湾", "81": "香港", "82": "澳门", "83": "台湾(居住证)", "91": "外国人", "92": "外国人", "93": "外国人", "94": "外国人", "95": "外国人", "96": "外国人", "97": "外国人", "98": "外国人", "99": "外国人",
}  # fmt: skip
LANGUAGES: Final = {"zh-CN": ZH, "en": EN}


def kind_word(kind: str, language: str) -> str:
    """A kind for readers of `language`."""
    return KINDS_ZH.get(kind, kind) if language == "zh-CN" else kind.replace("_", " ")
