"""A reply that says stop, and sentences that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.text.opt_out import has_opt_out_wording, is_opt_out_reply

STOPS = """
T|t|TD|td|Td|R|r|N|n|QX|TDHF|0000|T。|“T”|"T"|T.|T!|t~| T |ＴＤ|ｔｄ|Ｔ|Ｒ|【T】|（T）|'R'|TD。|
T\n|回T|回复T|回复TD|回TD|
发送T|回复R|退订|退订。|退订!|退订!!|我要退订|请退订|帮我退订|退订谢谢|退订吧|退订了|退订短信|
退订服务|退订回T|退订回TD|请回T退订|回T退订|
回复退订|拒收|拒收回R|拒收请回复R|取消订阅|我要取消订阅|取消|请取消订阅|不再接收|不接收|
不想接收短信|停止发送|拒绝接收|别再发了|
不要再发了|不要再给我发短信了|请不要再发短信|别发了|以后不要发了|退訂|取消訂閱|退 订|退.订|
STOP|stop|Stop.|STOP!|stop please|please stop|Please stop.|stop pls|plz stop|stop stop stop|
stop it|STOP NOW|stop texting me|
please stop sending me messages|stop sending texts|stop messaging me|stop these messages|
UNSUBSCRIBE|unsubscribe|Unsubscribe me|
please unsubscribe me|i want to unsubscribe|unsubscribe me from this|QUIT|quit|CANCEL|cancel|END|
end.|opt out|opt-out|OPTOUT|
stop, thanks|ok stop|remove me|please remove me|stop your marketing messages|stop spam
"""
STOPS_ALL = """
全部退订|退订全部|退订所有|所有短信都退订|全部短信退订|请全部退订|全部取消订阅|一切短信都退订|
全部拒收|STOP ALL|stop all|
stopall|unsubscribe all|please stop all messages|stop everything|退订所有短信|cancel all
"""
NOT_STOPS = """
T恤到了吗|T恤|T台|t1航站楼|T2|T3航站楼见|R u there|R U OK|r you coming|N年前|N次|NO|no|No.|
Not now|nope|n1|TT|T_T|T.T|T T|QAQ|
td银行|TDK|TDD|RT|R15|N95口罩|n多|tea|to|the|ten|tomorrow|T-shirt|t恤退货|R级|退|
I can't stop thinking|can't stop|don't stop|do not stop|never stop|nonstop|stop by later|bus stop|
at the bus stop|next stop|
the stop is closed|stop at the gate|can you stop by|where is the stop|text me the stop|stopwatch|
stopped|stopping|
stop the car|stop here please driver|Don't stop the order|please don't stop|stop loss|
full stop is missing|
cancel my appointment|cancel tomorrow's booking|please cancel the order|cancel order 123|
can I cancel|cancelled|
the end|in the end|end of story|weekend|end user|this is the end|quit smoking|I quit my job|
quite good|
unsubscribed users count|how do I unsubscribe?|did you unsubscribe?|stop?|退订?|怎么退订|如何退订|
怎样退订短信|退订了吗|退订失败|退订成功|不退订|
不要退订|别退订|我没有退订|为什么退订不了|谁退订了|能退订吗|退订要钱吗|取消明天的预约|取消预约|
取消订单|取消挂号|请取消我的预约|取消会议|不取消|
取消了吗|可以取消吗|怎么取消|取消不了|明天的课取消了|订单取消|我要取消明天的号|拒收快递|快递拒收|
包裹拒收了|已拒收货物|
不要发货|不要再发货了|别发顺丰|不要|不要了|不需要|好的|收到|谢谢|好|是|1|2|0|00|10|12345|
13800138000|
验证码123456|我已还款|欠款已还清|我没有欠款|你是谁|发错人了|请问几点开门|停电到几点|停止营业了吗|
停水吗|停车场在哪|
明天到|请送到门口|放驿站|在吗|妈妈|回复|回T恤|回家了|回复太慢|T是什么意思|回复T有用吗|td是什么|
全部|所有人都来吗|全部取消|全部退款|退款|退货|退钱|退定金|all|all good|ok all|everything ok|
please|thanks|ok thanks|me|stop me if you can|send me the text|
I want to stop by tomorrow|STOPS|Start|START|YES|HELP|是的我要|你好|您好|不接收快递|T台走秀|
请不要发给别人|别发朋友圈
"""


def lines(block: str) -> list[str]:
    return [one for one in block.replace("|\n", "|").strip("\n").split("|") if one]


@pytest.mark.parametrize("reply", lines(STOPS))
def test_stop(reply: str) -> None:
    assert is_opt_out_reply(reply) == "principal"


@pytest.mark.parametrize("reply", lines(STOPS_ALL))
def test_stop_everything(reply: str) -> None:
    assert is_opt_out_reply(reply) == "all"


@pytest.mark.parametrize("reply", lines(NOT_STOPS))
def test_ordinary_sentence(reply: str) -> None:
    assert is_opt_out_reply(reply) is None


def test_there_are_enough_lines() -> None:
    assert len({*lines(STOPS), *lines(STOPS_ALL)}) >= 100
    assert len(set(lines(NOT_STOPS))) >= 180


def test_empty_and_long() -> None:
    assert is_opt_out_reply("") is None
    assert is_opt_out_reply("   ") is None
    assert is_opt_out_reply("退订" * 500) is None
    assert is_opt_out_reply("stop " * 20_000) is None


@given(st.text(max_size=200))
def test_any_reply_gets_an_answer(reply: str) -> None:
    assert is_opt_out_reply(reply) in (None, "principal", "all")


@pytest.mark.parametrize(
    "text",
    [
        "退订回T",
        "退订回“T”。",
        "拒收请回复R",
        "回T退订",
        "回复TD退订",
        "退订请回复TD",
        "不再接收请回复 N",
        "回复退订即可取消",
        "Reply STOP to opt out",
        "text STOP to end",
        "To unsubscribe visit x.example",
        "退订回ＴＤ",
        "取消订阅请回复QX",
        "拒收回复R",
    ],
)
def test_says_how_to_stop(text: str) -> None:
    assert has_opt_out_wording("【品牌】新品八折。" + text)


@pytest.mark.parametrize(
    "text",
    [
        "您的订单已退款",
        "快递被拒收,请联系商家",
        "会议取消",
        "请回复是否参加",
        "The bus stop has moved",
        "Stop by our shop today",
        "欢迎订阅",
        "退订政策见官网",
        "回T台看秀",
    ],
)
def test_does_not_say_how_to_stop(text: str) -> None:
    assert not has_opt_out_wording(text)
