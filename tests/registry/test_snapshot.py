"""A snapshot answers as a plain list of objects would, however it was reached."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tideng.gateway.registry.kinds import kind_of
from tideng.gateway.registry.snapshot import EMPTY, Versioned, build, in_force
from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Mandate,
    Principal,
    RegistryObject,
    Signature,
    SmppAccess,
    Template,
)

IDS = st.sampled_from(["a", "b", "c", "d"])
DIGITS = st.text("12", min_size=3, max_size=6)


def _customer(customer_id: str, suffix: str) -> Customer:
    # The id in front keeps system_ids unique, as `check` guarantees.
    smpp = SmppAccess(system_id=customer_id + suffix, password_hash="") if suffix else None
    return Customer(id=customer_id, name="n", smpp=smpp)


OBJECTS: st.SearchStrategy[RegistryObject] = st.one_of(
    st.builds(_customer, IDS, st.sampled_from(["", "1", "2"])),
    st.builds(Principal, id=IDS, name=IDS),
    st.builds(Signature, id=IDS, principal=IDS),
    st.builds(Mandate, id=IDS, principal=IDS, customer=IDS),
    st.builds(Template, id=IDS, customer=IDS, body=IDS, category=st.just("notice")),
    st.builds(CodeNumber, id=DIGITS, holder=IDS),
)
CHANGES = st.lists(OBJECTS, max_size=30)


def _numbered(items: list[RegistryObject]) -> list[Versioned]:
    counts: dict[tuple[str, str], int] = {}
    changes = []
    for item in items:
        key = (kind_of(item), item.id)
        counts[key] = counts.get(key, 0) + 1
        changes.append(Versioned(item, counts[key]))
    return changes


@given(CHANGES, DIGITS)
def test_against_a_plain_dictionary(items: list[RegistryObject], number: str) -> None:
    snapshot = EMPTY
    model: dict[tuple[str, str], Versioned] = {}
    for change in _numbered(items):
        snapshot = snapshot.with_change(change.item, change.version)
        model[kind_of(change.item), change.item.id] = change
    current = [change.item for change in model.values()]

    def named(kind: type, object_id: str) -> Any:
        return next((item for item in current if isinstance(item, kind) and item.id == object_id), None)

    for one in "abcd":
        assert snapshot.customer(one) == named(Customer, one)
        assert snapshot.principal(one) == named(Principal, one)
        assert snapshot.signature(one) == named(Signature, one)
        mine = [item for item in current if isinstance(item, Template) and item.customer == one]
        assert snapshot.templates(one) == tuple(sorted(mine, key=lambda item: item.id))
        for suffix in "12":
            owner = [
                c for c in current if isinstance(c, Customer) and c.smpp and c.smpp.system_id == one + suffix
            ]
            assert snapshot.by_system_id(one + suffix) == (owner[0] if owner else None)
        for other in "abcd":
            pair = [
                item
                for item in current
                if isinstance(item, Mandate) and (item.customer, item.principal) == (one, other)
            ]
            assert snapshot.mandates(one, other) == tuple(sorted(pair, key=lambda item: item.id))
    prefixes = [item for item in current if isinstance(item, CodeNumber) and number.startswith(item.id)]
    assert snapshot.code_number(number) == max(prefixes, key=lambda item: len(item.id), default=None)
    assert {key: snapshot.version(*key) for key in model} == {key: v.version for key, v in model.items()}
    assert sorted(map(repr, snapshot.objects())) == sorted(map(repr, current))


@given(CHANGES, st.integers(0, 30))
def test_however_it_was_reached(items: list[RegistryObject], cut: int) -> None:
    changes = _numbered(items)
    one_by_one = EMPTY
    for change in changes:
        one_by_one = one_by_one.with_change(change.item, change.version)
    assert build(changes) == one_by_one == build(changes[:cut]).with_changes(changes[cut:])


@given(CHANGES, CHANGES)
def test_a_snapshot_never_changes(before: list[RegistryObject], later: list[RegistryObject]) -> None:
    snapshot, again = build(_numbered(before)), build(_numbered(before))
    snapshot.with_changes([Versioned(item, 99) for item in later])
    assert snapshot == again


def test_system_ids_can_be_swapped_in_one_change() -> None:
    first, second = _customer("a", "1"), _customer("b", "1")
    swapped = [replace(first, smpp=second.smpp), replace(second, smpp=first.smpp)]
    snapshot = build(_numbered([first, second])).with_changes([Versioned(item, 2) for item in swapped])
    assert (snapshot.by_system_id("a1"), snapshot.by_system_id("b1")) == (swapped[1], swapped[0])


def test_unknown_is_none_and_version_zero() -> None:
    assert EMPTY.customer("a") is None
    assert EMPTY.code_number("") is None
    assert EMPTY.mandates("a", "b") == ()
    assert EMPTY.version("customer", "a") == 0


def test_dates_are_inclusive_and_empty_is_no_limit() -> None:
    assert in_force("2026-01-01", "2026-01-31", "2026-01-01")
    assert in_force("2026-01-01", "2026-01-31", "2026-01-31")
    assert not in_force("2026-01-01", "2026-01-31", "2026-02-01")
    assert not in_force("2026-01-01", "", "2025-12-31")
    assert in_force("", "", "2026-01-01")
