"""Ordinary and harmful texts, and what the bundled policy makes of them."""

import tomllib
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tideng.assembly.texts import make_text_judge
from tideng.gateway.messages import Submission
from tideng.gateway.registry.snapshot import Versioned, build
from tideng.gateway.registry.values import (
    CATEGORIES,
    CodeNumber,
    Customer,
    Licence,
    Mandate,
    NumberBinding,
    Principal,
    Signature,
)
from tideng.gateway.review.judge import review
from tideng.gateway.review.policies import bundled_policy
from tideng.gateway.review.policy import load_policy
from tideng.gateway.review.values import Case, Facts
from tideng.settings import Settings
from tideng.text.judging import Judge

BEIJING = timezone(timedelta(hours=8))
NOON = 1_790_740_800_000_000
GROUPS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "texts.toml").read_text())["group"]
POLICY = load_policy(bundled_policy())
JUDGE = make_text_judge(Settings())
REGISTRY = build(
    [
        Versioned(one, 1)
        for one in (
            Customer(
                id="acme",
                name="Acme",
                licence=Licence(number="B2-1"),
                categories=CATEGORIES,
                default_code_number="10690001",
                default_signature="明灯",
                links=("example.cn",),
                callbacks=("400-800-1234",),
            ),
            CodeNumber(id="10690001", holder="tideng", bindings=(NumberBinding(customer="acme"),)),
            Principal(id="mingdeng", name="明灯"),
            Signature(id="明灯", principal="mingdeng"),
            Mandate(id="m1", principal="mingdeng", customer="acme"),
        )
    ]
)
FACTS = Facts(subject="s", consents=(("mingdeng", "commercial", 0, "w1", 7),))


@pytest.mark.parametrize(
    ("group", "text"),
    [(group, text) for group in GROUPS for text in group["lines"]],
    ids=lambda value: value["name"] if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("judge", [None, JUDGE], ids=["own rules", "with the judge"])
def test_text(group: dict[str, Any], text: str, judge: Judge | None) -> None:
    submission = Submission(id=1, customer="acme", recipient="13800138000", text=text, received_at=NOON)
    verdict = review([Case(submission, FACTS)], REGISTRY, POLICY, NOON, BEIJING, judge)[0]
    seen = {finding.code: finding.seen for finding in verdict.findings}
    assert verdict.action == group["action"], seen
    assert seen.keys() >= set(group["codes"])
    assert verdict.category == group.get("category", verdict.category)


def test_there_are_enough_texts() -> None:
    assert len({text for group in GROUPS for text in group["lines"]}) >= 150
