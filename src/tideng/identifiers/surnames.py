"""姓: family names, commonest first (order by household statistics, roughly; the order is what costs come
from).
"""

from types import MappingProxyType
from typing import Final

_SINGLE: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪洪赖傅萧阎范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛"
    "邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝"
    "路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿"
    "桂全佟应臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀郁胥南班储原栗"
    "燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平计索宣晋相初门云容敬来扈"
    "晁芮普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况宿鲜印逯隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干尉冶"
    "斯元束檀赖洪阎傅萧诸闾逄桓殳蔚蓟璩濮堵鄂弘匡冀越隗师巢蒯郏郗钭寿通步耿宦艾聂沃蔡车侍贲燕衣信展阴昝智幸奉植衡富尧闭"
    "仝宓庹撒翦刀纳苌乜仉佴笪钊矫俎貊郄郇缑麴依咸籍厍雒慎竺操訾呙镡禤佐牧盍冒淳"
)
COMPOUND: Final = (
    "欧阳",
    "上官",
    "皇甫",
    "司徒",
    "诸葛",
    "司马",
    "令狐",
    "尉迟",
    "端木",
    "公孙",
    "慕容",
    "宇文",
    "长孙",
    "轩辕",
    "夏侯",
    "东方",
    "独孤",
    "南宫",
    "闻人",
    "澹台",
    "呼延",
    "百里",
    "申屠",
    "司空",
    "西门",
    "东郭",
    "太史",
    "完颜",
)


def _ranks() -> dict[str, int]:
    ranks: dict[str, int] = {}
    for character in _SINGLE:
        ranks.setdefault(character, len(ranks) + 1)
    return ranks


RANK: Final = MappingProxyType(_ranks())
"""Single-character family name -> place in the order of commonness, from 1."""
