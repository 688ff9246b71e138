"""How fast the text room is: `python -m bench.text [--templates N]`. CPU time of one process, one thread.

Made-up messages of about 70 characters: one in ten dangerous, as a gateway might see them.
"""

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable
from typing import Final

from tideng.cli.text_judge import GARBAGE_THRESHOLD
from tideng.text.judging import Judge
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import EngineName, make_judge
from tideng.text.similar import index_of
from tideng.text.skeletons import skeleton
from tideng.text.suspicion import read_scorer
from tideng.text.tables import bundled_tables
from tideng.text.tables_read import read_tables
from tideng.text.weights import bundled_weights

TEXTS: Final = 20_000
ROUNDS: Final = 3
SINGLES: Final = 400
SIZES: Final = (10, 100, 1000)
SMALL_TEXTS: Final = 2_000
LOOKUPS: Final = 400
USUAL: Final = (
    "【商城{a}】您的订单{n}已发货,预计{d}日送达,请保持电话畅通,如需改期或更换收货地址请在官方App订单页面办理,签收时请当面验货,感谢您的支持",
    "【银行{a}】您尾号{n}的储蓄卡{d}日支出人民币{n}.00元,余额{n}.55元,如有疑问请打开手机银行查看交易明细或到任一网点柜台咨询,感谢您的信任",
    "【驿站{a}】您的包裹已到幸福小区北门店,取货码{d}-2-{n},请在今日21点前凭取件人手机尾号领取,营业时间8点到21点,节假日照常,逾期请先致电门店",
    "【平台{a}】验证码{n},用于登录,{d}分钟内有效,请勿告诉任何人,工作人员不会向您索要验证码,谨防诈骗,如非本人操作请忽略本短信",
    "【超市{a}】会员日全场满{n}减{d},生鲜水果八折起,欢迎光临人民路店,活动至本周日,鸡蛋每人限购两板,停车两小时内免费,详询门店,回T退订",
    "【医院{a}】您预约的{d}日上午{n}号内科门诊已确认,请携带身份证提前20分钟到一楼大厅取号就诊,如需取消请至少提前一天,祝您早日康复",
    "晚上一起吃饭吗,我订了{d}号桌,七点到就行,记得叫上小李,上次说的事情到时候再聊,地址我发你了{n},路上堵的话晚一点也没关系,到了给我打电话就好",
    "【学校{a}】各位家长,{d}日下午三点召开家长会,请准时参加,有事请假请与班主任联系,地点在{n}教室,请从东门进校,谢谢配合",
    "【电力{a}】您的户号{n}本月电费{d}元已自动扣缴,详情可在网上国网App查看,温馨提示夏季用电注意安全节约,离家时请关闭不用的电器,祝您生活愉快",
)
HARM: Final = (
    "【某资产{a}】您欠款{n}元已逾期{d}天,现申请特殊减免还{d}00元即可结清,今日有效,过期追究法律责任,电话1701234{n},切勿错过本次机会以免影响征信",
    "刷单兼职日结{d}00元,点赞关注就返佣,先做三单福利单,手机在家就能做,不收任何押金,有兴趣加客服微信ab{n}进群领取任务,名额不多先到先得",
)


def made(count: int, seed: int = 5) -> list[str]:
    """So many messages."""
    chance = random.Random(seed)
    texts = []
    for _ in range(count):
        pattern = chance.choice(HARM) if chance.random() < 0.1 else chance.choice(USUAL)
        texts.append(
            pattern.format(a=chance.randint(1, 99), n=chance.randint(1000, 9999), d=chance.randint(2, 28))
        )
    return texts


def best(work: Callable[[], object]) -> float:
    """The shortest CPU time of some rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        gc.collect()
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def judged(judge: Judge, texts: list[str], name: str) -> None:
    """Batches and single texts."""
    judge.judge_many(texts[:500])
    seconds = best(lambda: judge.judge_many(texts))
    each = 1e6 * seconds / len(texts)
    say(f"{name}: {len(texts) / seconds:,.0f} texts/s/core in batches ({each:.1f} us each)")
    for size in SIZES:
        pieces = [texts[at : at + size] for at in range(0, size * (SMALL_TEXTS // size), size)]
        took = best(lambda pieces=pieces: [judge.judge_many(piece) for piece in pieces])
        say(f"{name}: batches of {size}: {1e6 * took / (size * len(pieces)):.1f} us each")
    alone = []
    for text in texts[:SINGLES]:
        started = time.process_time()
        judge.judge(text)
        alone.append(1e6 * (time.process_time() - started))
    alone.sort()
    say(f"{name}: one text alone {alone[len(alone) // 2]:.0f} us, p95 {alone[-len(alone) // 20]:.0f} us")


def looked_up(count: int) -> None:
    """Similarity look-ups among so many templates."""
    chance = random.Random(3)
    words = ["".join(chr(chance.randint(0x4E00, 0x5E00)) for _ in range(2)) for _ in range(4000)]
    templates = [skeleton("".join(chance.choices(words, k=18))) for _ in range(count)]
    started = time.process_time()
    index = index_of(templates)
    say(f"similarity: {count:,} templates indexed in {time.process_time() - started:.1f} s")
    asked = []
    for text in chance.sample(templates, LOOKUPS):
        asked.append("".join(c for c in text if chance.random() > 0.1))
    times, right = [], 0
    for text in asked:
        started = time.perf_counter()
        right += index.find(text) is not None
        times.append(time.perf_counter() - started)
    times.sort()
    middle, late = 1e3 * times[len(times) // 2], 1e3 * times[-len(times) // 20]
    say(f"similarity: look-up p50 {middle:.2f} ms, p95 {late:.2f} ms; found {right}/{LOOKUPS}")


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and say."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--templates", type=int, default=200_000)
    given = arguments.parse_args()
    gc.set_threshold(GARBAGE_THRESHOLD)  # as `tideng text judge` and `tideng serve` do
    texts = made(TEXTS)
    say(f"{TEXTS:,} messages of {sum(map(len, texts)) / TEXTS:.0f} characters")
    tables = bundled_tables()
    engines: tuple[EngineName, ...] = ("ahocorasick", "hyperscan")
    for engine in engines:
        started = time.process_time()
        judge = make_judge(tables, bundled_knowledge(), bundled_verdict_policy(), engine=engine)
        say(f"{engine}: ready in {time.process_time() - started:.2f} s")
        judged(judge, texts, engine)
    scorer = read_scorer(bundled_weights(), read_tables(tables))
    scored = make_judge(tables, bundled_knowledge(), bundled_verdict_policy(), suspicion=scorer)
    seconds = best(lambda: scored.judge_many(texts))
    say(f"with the suspicion score: {len(texts) / seconds:,.0f} texts/s/core")
    if given.templates:
        looked_up(given.templates)


if __name__ == "__main__":
    main()
