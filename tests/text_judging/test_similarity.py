"""A template is found again with other fillings and some edits; what is not alike is not found."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from text_judging.ready import held_apart, tables
from tideng.text.campaigns import Told, campaigns
from tideng.text.folding import fold_block
from tideng.text.similar import index_of
from tideng.text.skeletons import skeleton


def skeletons(texts: list[str]) -> list[str]:
    block = fold_block(texts, tables())
    return [skeleton(block.folded(place)) for place in range(len(texts))]


def edited(text: str, share: float, chance: random.Random) -> str:
    """The text with this share of its characters replaced, dropped or doubled."""
    result = []
    for char in text:
        act = chance.choice("rdi") if chance.random() < share else ""
        result.append({"": char, "r": chance.choice("的一是在不了有和人这"), "d": "", "i": char + "了"}[act])
    return "".join(result)


def test_fillings_do_not_change_the_skeleton() -> None:
    one, other = skeletons(
        [
            "【鑫源资产】陈先生,您欠款27911元,还9431元即可结清,详询17012345678",
            "【恒泰资管】周女士,您欠款8600元,还3,000元即可结清,详询13900001111",
        ]
    )
    assert one == other


def test_recall_at_edits_and_false_matches() -> None:
    """The issue asks: recall 98.5 % at 10 % edits, false matches at most 0.1 %."""
    chance = random.Random(7)
    texts = [row["text"] for row in held_apart() if len(row["text"]) >= 25]
    known, strangers = texts[::2], texts[1::2]
    index = index_of(skeletons(known))
    changed = skeletons([edited(text, 0.10, chance) for text in known])
    found = [index.find(one) for one in changed]
    right = sum(match is not None and match.template == place for place, match in enumerate(found))
    assert right / len(known) >= 0.985
    wrong = [index.find(one) for one in skeletons(strangers)]
    assert sum(match is not None for match in wrong) <= 1


@given(st.lists(st.text(max_size=30), max_size=8))
@settings(max_examples=100, deadline=None)
def test_every_template_finds_itself(texts: list[str]) -> None:
    own = skeletons(texts)
    index = index_of(own)
    for one in own:
        match = index.find(one)
        assert match is not None
        assert own[match.template] == one


def test_a_campaign_needs_three_sources_and_says_what_varies() -> None:
    texts = [f"您的{day}号包裹地址不完整无法派送,请点击 yz{day}.top 更新资料" for day in (3, 4, 5)]
    own = skeletons(texts)
    told = [Told(f"s{place}", text, own[place]) for place, text in enumerate(texts)]
    [campaign] = campaigns(
        [*told, Told("s9", "今天天气很好我们出去玩吧好不好呀", "今天天气很好我们出去玩吧好不好呀")]
    )
    assert campaign.texts == (0, 1, 2)
    assert {"3", "4", "5"} <= set(campaign.varies[0].seen)
    assert campaigns([Told("same", one.folded, one.skeleton) for one in told]) == []
