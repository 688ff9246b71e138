"""What makes a registry object acceptable: one line per rule, good and bad."""

from typing import Any

import pytest
from msgspec.structs import replace

from tideng.gateway.registry.checks import check
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
    Slot,
    SmppAccess,
    Template,
)

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA"
BANK = Principal(id="bank", name="Example Bank")
SHOP = Principal(id="shop", name="Example Shop")
ACME = Customer(id="acme", name="Acme", smpp=SmppAccess(system_id="acme", password_hash=HASH))
SIGN = Signature(id="示例银行", principal="bank")
PORT = CodeNumber(id="10690000", holder="provider", bindings=(NumberBinding(customer="acme"),))
PAPER = Mandate(id="m1", principal="bank", customer="acme", signatures=("示例银行",), categories=("debt",))
WORDS = Template(
    id="t1", customer="acme", body="尊敬的{name},已到账。", category="notice", slots=(Slot(name="name"),)
)
KNOWN: tuple[RegistryObject, ...] = (BANK, SHOP, ACME, SIGN, PORT, PAPER, WORDS)


def problems(*items: RegistryObject) -> list[str]:
    """The paths of the problems with a change to a small, sound registry."""
    after = build([Versioned(item, 1) for item in KNOWN]).with_changes([Versioned(item, 2) for item in items])
    return [problem.path for problem in check(items, after)]


def test_the_small_registry_is_sound() -> None:
    assert problems(*KNOWN) == []


SOUND: list[tuple[RegistryObject, dict[str, Any]]] = [
    (ACME, {"webhook": "https://acme.example/sms"}),
    (ACME, {"webhook": "https://acme.example:8443/sms?x=1"}),
    (ACME, {"links": ("acme.example", "xn--fiqs8s.example")}),
    (ACME, {"callbacks": ("95588", "400-800-1234", "+862012345678")}),
    (ACME, {"default_code_number": "1069000012", "default_signature": "示例银行"}),
    (ACME, {"licence": Licence(number="B2-1", valid_from="2026-01-01", valid_until="2026-01-01")}),
    (
        ACME,
        {"smpp": SmppAccess(system_id="fifteen-letters", password_hash=HASH, allow=("192.0.2.0/24", "::1"))},
    ),
    (BANK, {"credit_code": "91110000MA00000019"[:17]}),
    (SIGN, {"valid_from": "2024-02-29"}),
    (SIGN, {"id": "A·B"}),
    (SIGN, {"id": "字" * 16}),
    (SIGN, {"id": "12306购票"}),
    (PAPER, {"document_hash": "0" * 64, "categories": ()}),
    (WORDS, {"body": "没有变量", "slots": ()}),
    (WORDS, {"body": "{a}于{b}", "slots": (Slot(name="a"), Slot(name="b"))}),
    (PORT, {"id": "123"}),
    (PORT, {"id": "1" * 21}),
]


@pytest.mark.parametrize(("item", "fields"), SOUND)
def test_accepted(item: RegistryObject, fields: dict[str, Any]) -> None:
    if "credit_code" in fields:
        from tideng.identifiers.credit_code import check_character

        first = fields["credit_code"]
        fields = {"credit_code": first + check_character(first)}
    assert problems(replace(item, **fields)) == []


REFUSED: list[tuple[RegistryObject, dict[str, Any], str]] = [
    (ACME, {"id": "Acme", "smpp": None}, ".id"),
    (ACME, {"id": "", "smpp": None}, ".id"),
    (ACME, {"id": "a" * 65, "smpp": None}, ".id"),
    (ACME, {"id": "acme\n", "smpp": None}, ".id"),
    (ACME, {"name": " "}, ".name"),
    (ACME, {"name": "a" * 201}, ".name"),
    (ACME, {"name": "a\nb"}, ".name"),
    (ACME, {"credit_code": "911100000000000000"}, ".credit_code"),
    (ACME, {"categories": ()}, ".categories"),
    (ACME, {"categories": ("notice", "notice")}, ".categories"),
    (ACME, {"throughput_per_s": 0}, ".throughput_per_s"),
    (ACME, {"links": ("https://acme.example/",)}, ".links[0]"),
    (ACME, {"links": ("localhost",)}, ".links[0]"),
    (ACME, {"links": ("192.0.2.1",)}, ".links[0]"),
    (ACME, {"links": ("a.example", "a.example")}, ".links"),
    (ACME, {"callbacks": ("95588", "call us")}, ".callbacks[1]"),
    (ACME, {"webhook": "http://acme.example/"}, ".webhook"),
    (ACME, {"webhook": "https://user:pass@acme.example/"}, ".webhook"),
    (ACME, {"webhook": "https:///path"}, ".webhook"),
    (ACME, {"webhook": "https://[::1/"}, ".webhook"),
    (ACME, {"webhook": "https://acme.example:99999/"}, ".webhook"),
    (ACME, {"webhook": "https://acme.example/#x"}, ".webhook"),
    (ACME, {"licence": Licence(number="")}, ".licence.number"),
    (ACME, {"licence": Licence(number="1", valid_from="2026-02-30")}, ".licence"),
    (ACME, {"default_code_number": "1068"}, ".default_code_number"),
    (ACME, {"default_signature": "别人"}, ".default_signature"),
    (ACME, {"smpp": SmppAccess(system_id="sixteen-letters-", password_hash=HASH)}, ".smpp.system_id"),
    (ACME, {"smpp": SmppAccess(system_id="", password_hash=HASH)}, ".smpp.system_id"),
    (ACME, {"smpp": SmppAccess(system_id="号", password_hash=HASH)}, ".smpp.system_id"),
    (ACME, {"smpp": SmppAccess(system_id="a", password_hash="clear")}, ".smpp.password_hash"),
    (ACME, {"smpp": SmppAccess(system_id="a", password_hash=HASH, allow=("10.0.0.1/8",))}, ".smpp.allow[0]"),
    (ACME, {"smpp": SmppAccess(system_id="a", password_hash=HASH, binds_max=0)}, ".smpp.binds_max"),
    (ACME, {"smpp": SmppAccess(system_id="a", password_hash=HASH, window=10_001)}, ".smpp.window"),
    (SIGN, {"id": "字"}, ".id"),
    (SIGN, {"id": "字" * 17}, ".id"),
    (SIGN, {"id": "【银行】"}, ".id"),
    (SIGN, {"id": "[bank]"}, ".id"),
    (SIGN, {"id": "银行!"}, ".id"),
    (SIGN, {"id": " 银行"}, ".id"),
    (SIGN, {"id": "12345"}, ".id"),
    (SIGN, {"id": "１２３"}, ".id"),
    (SIGN, {"principal": "nobody"}, ".principal"),
    (SIGN, {"valid_from": "2026-1-1"}, ""),
    (SIGN, {"valid_from": "20260101"}, ""),
    (SIGN, {"valid_from": "2026-05-01", "valid_until": "2026-04-30"}, ""),
    (PAPER, {"principal": "nobody", "signatures": ()}, ".principal"),
    (PAPER, {"customer": "nobody"}, ".customer"),
    (PAPER, {"signatures": ("无此签名",)}, ".signatures[0]"),
    (PAPER, {"principal": "shop"}, ".signatures[0]"),
    (PAPER, {"document_hash": "abc"}, ".document_hash"),
    (WORDS, {"customer": "nobody"}, ".customer"),
    (WORDS, {"signature": "无此签名"}, ".signature"),
    (WORDS, {"body": " ", "slots": ()}, ".body"),
    (WORDS, {"body": "字" * 501, "slots": ()}, ".body"),
    (WORDS, {"body": "【示例银行】尊敬的{name}"}, ".body"),
    (WORDS, {"body": "{name}"}, ".body"),
    (WORDS, {"body": "{name}:1,2。"}, ".body"),
    (WORDS, {"body": "尊敬的{name}{"}, ".body"),
    (WORDS, {"body": "尊敬的{name}和{name}"}, ".body"),
    (WORDS, {"body": "尊敬的{name}{b}", "slots": (Slot(name="name"), Slot(name="b"))}, ".body"),
    (WORDS, {"body": "尊敬的{name} {b}", "slots": (Slot(name="name"), Slot(name="b"))}, ".body"),
    (WORDS, {"slots": ()}, ".slots"),
    (WORDS, {"slots": (Slot(name="name"), Slot(name="more"))}, ".slots"),
    (WORDS, {"slots": (Slot(name="name"), Slot(name="name"))}, ".slots[1].name"),
    (WORDS, {"slots": (Slot(name="name", length_max=0),)}, ".slots[0].length_max"),
    (PORT, {"id": "12"}, ".id"),
    (PORT, {"id": "1" * 22}, ".id"),
    (PORT, {"id": "+1069"}, ".id"),
    (PORT, {"id": "１０６９"}, ".id"),
    (PORT, {"holder": ""}, ".holder"),
    (PORT, {"held_until": "soon"}, ".held_until"),
    (PORT, {"bindings": (NumberBinding(customer="nobody"),)}, ".bindings[0].customer"),
    (PORT, {"bindings": (NumberBinding(customer="acme", valid_until="x"),)}, ".bindings[0]"),
]


@pytest.mark.parametrize(("item", "fields", "path"), REFUSED)
def test_refused(item: RegistryObject, fields: dict[str, Any], path: str) -> None:
    changed = replace(item, **fields)
    kind = {"Customer": "customer", "Signature": "signature", "Mandate": "mandate"}.get(
        type(item).__name__, "template" if isinstance(item, Template) else "code_number"
    )
    found = problems(changed)
    assert found
    assert set(found) == {f"{kind}:{changed.id}{path}"}


def test_everything_wrong_is_said_at_once() -> None:
    bad = replace(ACME, id="Bad Id", name="", categories=(), webhook="ftp://x")
    assert len(problems(bad, replace(SIGN, principal="nobody"))) >= 5


def test_a_change_may_bring_its_own_references() -> None:
    club = Principal(id="club", name="Club")
    sign = Signature(id="俱乐部", principal="club")
    assert (
        problems(Mandate(id="m2", principal="club", customer="acme", signatures=("俱乐部",)), sign, club)
        == []
    )


def test_two_customers_cannot_share_a_system_id() -> None:
    assert problems(Customer(id="other", name="Other", smpp=ACME.smpp)) == ["customer:other.smpp.system_id"]


def test_a_signature_cannot_leave_the_principal_whose_mandates_name_it() -> None:
    assert problems(replace(SIGN, principal="shop")) == ["signature:示例银行.principal"]
    moved = replace(PAPER, principal="shop")
    assert problems(replace(SIGN, principal="shop"), moved) == []


def test_one_object_twice_in_a_change() -> None:
    assert problems(BANK, BANK) == ["principal:bank"]


def test_problems_name_the_value_the_limit_and_the_next_step_but_no_callback() -> None:
    bad = replace(ACME, throughput_per_s=0, callbacks=("13800000000 Wang",))
    said = [str(problem) for problem in check([bad], build([Versioned(bad, 1)]))]
    assert "customer:acme.throughput_per_s: is 0; allowed is 1 to 100000" in said
    assert not any("138" in sentence for sentence in said)
