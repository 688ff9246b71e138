"""Story 1: the court's text, refused without a mandate, held under one."""

from datetime import timedelta, timezone

from tideng.gateway.messages import Submission
from tideng.gateway.registry.snapshot import Versioned, build
from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Licence,
    Mandate,
    NumberBinding,
    Principal,
    RegistryObject,
    Signature,
)
from tideng.gateway.review.judge import review
from tideng.gateway.review.policies import bundled_policy
from tideng.gateway.review.policy import load_policy
from tideng.gateway.review.values import Case, Facts, Verdict

BEIJING = timezone(timedelta(hours=8))
NOON = 1_790_740_800_000_000  # 2026-09-30 12:00 in Beijing
TEXT = (
    "【青禾资产】余先生,目前最新欠款:27911元,现申请特殊减免还9431元即可结清账目,提供结清证明。"
    "减免有效时间截至2023年10月21日上午10点。过期将永久取消此权益,并追责全款,追究其法律责任,详询xxxx,退订回“T”。"
)
PARTIES: tuple[RegistryObject, ...] = (
    Customer(
        id="kexun",
        name="科迅",
        licence=Licence(number="B2-1"),
        categories=("notice", "debt"),
        default_code_number="10690001",
    ),
    CodeNumber(id="10690001", holder="tideng", bindings=(NumberBinding(customer="kexun"),)),
    Principal(id="qinghe", name="青禾资产"),
)
SIGNED: tuple[RegistryObject, ...] = (
    Signature(id="青禾资产", principal="qinghe"),
    Mandate(id="m1", principal="qinghe", customer="kexun", categories=("debt",)),
)


def judged(*objects: RegistryObject) -> Verdict:
    registry = build([Versioned(one, 1) for one in objects])
    submission = Submission(id=1, customer="kexun", recipient="13800138000", text=TEXT, received_at=NOON)
    return review(
        [Case(submission, Facts(subject="s"))], registry, load_policy(bundled_policy()), NOON, BEIJING
    )[0]


def test_without_mandate_it_is_refused_and_says_why() -> None:
    verdict = judged(*PARTIES)
    codes = {finding.code for finding in verdict.findings}
    assert verdict.action == "refuse"
    assert codes >= {
        "SIGNATURE_UNREGISTERED",
        "DEBT_DEMAND",
        "DEBT_DEMAND_UNMANDATED",
        "DISCOUNT_TO_SETTLE",
        "THREAT",
        "DEADLINE_PRESSURE",
    }
    assert verdict.category == "debt"


def test_under_a_mandate_that_names_debt_it_waits_for_a_person() -> None:
    verdict = judged(*PARTIES, *SIGNED)
    assert verdict.action == "hold"
    assert "DEBT_DEMAND_UNMANDATED" not in {finding.code for finding in verdict.findings}
    assert verdict.principal == "qinghe"
    assert verdict.recipient == "8613800138000"
    assert verdict.registry == (
        "code_number:10690001@1",
        "customer:kexun@1",
        "mandate:m1@1",
        "principal:qinghe@1",
        "signature:青禾资产@1",
    )


def test_a_mandate_for_everything_does_not_include_debt() -> None:
    everything = Mandate(id="m1", principal="qinghe", customer="kexun")
    codes = {f.code for f in judged(*PARTIES, SIGNED[0], everything).findings}
    assert codes >= {"MANDATE_OUT_OF_SCOPE", "DEBT_DEMAND_UNMANDATED"}


def test_the_policy_file_is_what_its_hash_says() -> None:
    assert load_policy(bundled_policy()).hash == judged(*PARTIES).policy
