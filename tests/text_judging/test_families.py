"""Every family sees its own examples and none of its harmless look-alikes; and says what to do."""

import re
import tomllib

import pytest

from text_judging.ready import codes, judge, verdict
from tideng.text.knowledge import bundled_knowledge
from tideng.text.phrasebook import KnowledgeInvalid, Rule, read_phrasebook
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge
from tideng.text.sights import BY_CODE
from tideng.text.tables import bundled_tables

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


@pytest.mark.parametrize("phrase", ["~4~无法投递", "无法投递~4~ ", "无法~3~~4~投递", "{|}~4~投递"])
def test_a_phrase_with_an_open_gap_is_refused(phrase: str) -> None:
    given = bundled_knowledge()
    given["parcel.toml"] += f'\nopen = ["{phrase}"]\n'.encode()
    with pytest.raises(
        KnowledgeInvalid, match=rf"parcel\.open: '{re.escape(phrase)}' has a gap beside nothing"
    ):
        read_phrasebook(given, judge().reader.tables, BY_CODE)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "parcel.toml",
            b"[slots]",
            b'[slots]\nwide = ["kuai~100~di"]',
            "a gap of more than 99",
        ),
        ("task.toml", b"2 of (", b"0 of (", "0 of 6; ask for one of them or more"),
        ("shared.toml", b"[derived]", b'[derived]\none = "other"\nother = "one"', "in a circle"),
    ],
)
def test_what_could_never_hold_or_always_does_is_refused(
    name: str, old: bytes, new: bytes, says: str
) -> None:
    given = bundled_knowledge()
    assert old in given[name]
    given[name] = given[name].replace(old, new, 1)
    if name == "shared.toml":
        given["task.toml"] = given["task.toml"].replace(b'when = [\n  "', b'when = [\n  "one & ', 1)
    with pytest.raises(KnowledgeInvalid, match=says):
        read_phrasebook(given, judge().reader.tables, BY_CODE)


def test_unless_takes_the_family_away_and_nothing_else() -> None:
    text = "您的快递无法投递,点击 abc-kd.top 补缴2元"
    assert "PARCEL_PROBLEM" in codes(text)
    given = bundled_knowledge()
    family = tomllib.loads(given["parcel.toml"].decode())
    assert family["unless"]
    given["parcel.toml"] = re.sub(rb'(?m)^unless = ".*"$', b'unless = "link"', given["parcel.toml"])
    other = make_judge(bundled_tables(), given, bundled_verdict_policy()).judge(text)
    left = [finding.code for finding in other.findings]
    assert left == [code for code in codes(text) if code != "PARCEL_PROBLEM"]


def test_a_slot_that_nobody_defined_is_named() -> None:
    from text_judging.ready import tables

    given = bundled_knowledge()
    given["task.toml"] = given["task.toml"].replace(b'when = [\n  "', b'when = [\n  "no_such_slot & ')
    with pytest.raises(KnowledgeInvalid, match="no_such_slot"):
        read_phrasebook(given, tables(), BY_CODE)


def test_no_slot_of_a_family_waits_for_a_rule() -> None:
    dead = [
        f"{rule.family.code}: {slot}"
        for rule in RULES
        for slot in rule.family.slots
        if not re.search(rf"\b{slot}\b", " ".join((*rule.family.when, rule.family.unless, *rule.family.show)))
    ]
    assert not dead
