"""Every family sees its own examples and none of its harmless look-alikes; and says what to do."""

import re

import pytest

from text_judging.ready import codes, judge, verdict
from tideng.text.knowledge import bundled_knowledge
from tideng.text.phrasebook import KnowledgeInvalid, Rule, read_phrasebook
from tideng.text.sights import BY_CODE

RULES = judge().reader.book.rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.family.code)
def test_it_sees_its_examples_and_not_its_look_alikes(rule: Rule) -> None:
    family = rule.family
    assert family.examples
    assert family.harmless
    for text in family.examples:
        assert family.code in codes(text), text
    for text in family.harmless:
        assert family.code not in codes(text), text
        if family.level not in ("calm", "fact"):
            assert verdict(text).verdict != "danger", text


def test_every_finding_points_at_the_original() -> None:
    text = "【徽伩客服】您的账.户异·常,伩息需重新认证,逾期冻结"
    for finding in verdict(text).findings:
        assert text[finding.start : finding.end] == finding.seen


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.toml", b"nonsense", "x.toml"),
        ("shared.toml", b"[parts]\n[slots]", "shared.toml"),
    ],
)
def test_a_broken_knowledge_file_is_named(name: str, content: bytes, says: str) -> None:
    from text_judging.ready import tables

    with pytest.raises(KnowledgeInvalid, match=says):
        read_phrasebook(bundled_knowledge() | {name: content}, tables(), BY_CODE)


def test_a_slot_that_nobody_defined_is_named() -> None:
    from text_judging.ready import tables

    given = bundled_knowledge()
    given["task.toml"] = given["task.toml"].replace(b'when = ["', b'when = ["no_such_slot & ')
    with pytest.raises(KnowledgeInvalid, match="no_such_slot"):
        read_phrasebook(given, tables(), BY_CODE)


def test_no_slot_of_a_family_waits_for_a_rule() -> None:
    dead = [
        f"{rule.family.code}: {slot}"
        for rule in RULES
        for slot in rule.family.slots
        if not re.search(rf"\b{slot}\b", " ".join((*rule.family.when, *rule.family.show)))
    ]
    assert not dead
