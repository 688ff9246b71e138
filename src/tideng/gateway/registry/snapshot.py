"""The registry as it is at one moment: frozen, indexed, quick to ask. Pure.

A review holds one `Snapshot` for a whole batch, so that every message of the batch meets the same
registry, whatever is changed meanwhile.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from msgspec import Struct

from tideng.gateway.registry.kinds import TYPES, kind_of
from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Mandate,
    Principal,
    RegistryObject,
    Signature,
    Template,
)

_K = TypeVar("_K")
_V = TypeVar("_V")
_EMPTY: Final[Mapping[Any, Any]] = MappingProxyType({})  # Any: one empty index serves every kind


class Versioned(Struct, frozen=True, gc=False):
    """One object and which version of it this is; versions count from 1."""

    item: RegistryObject
    version: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """Every current object, closed ones included: a closed customer is known, and inactive.

    Fulfils the review's `RegistryView`. Never changes; `with_changes` makes the next one. Two snapshots
    are equal when they hold the same objects at the same versions, however they were reached.
    """

    customers: Mapping[str, Customer] = _EMPTY
    principals: Mapping[str, Principal] = _EMPTY
    signatures: Mapping[str, Signature] = _EMPTY
    mandates_by_id: Mapping[str, Mandate] = _EMPTY
    templates_by_id: Mapping[str, Template] = _EMPTY
    code_numbers: Mapping[str, CodeNumber] = _EMPTY
    versions: Mapping[tuple[str, str], int] = _EMPTY
    system_ids: Mapping[str, str] = _EMPTY
    """SMPP system_id to customer id."""
    mandates_between: Mapping[tuple[str, str], tuple[Mandate, ...]] = _EMPTY
    """(customer, principal) to mandates, by id."""
    templates_of: Mapping[str, tuple[Template, ...]] = _EMPTY
    """Customer to templates, by id."""
    code_number_lengths: tuple[int, ...] = ()
    """The lengths that occur, longest first: a look-up tries only these."""

    def customer(self, customer_id: str, /) -> Customer | None:
        """The customer of this id, whatever its status."""
        return self.customers.get(customer_id)

    def by_system_id(self, system_id: str, /) -> Customer | None:
        """The customer who binds with this SMPP system_id (SMPP 3.4 §5.2.1)."""
        customer_id = self.system_ids.get(system_id)
        return None if customer_id is None else self.customers.get(customer_id)

    def principal(self, principal_id: str, /) -> Principal | None:
        """The principal of this id, whatever its status."""
        return self.principals.get(principal_id)

    def signature(self, text: str, /) -> Signature | None:
        """The signature whose text between the brackets is exactly this."""
        return self.signatures.get(text)

    def mandates(self, customer: str, principal: str, /) -> tuple[Mandate, ...]:
        """Every mandate this principal gave this customer, by id; also ended ones."""
        return self.mandates_between.get((customer, principal), ())

    def templates(self, customer: str, /) -> tuple[Template, ...]:
        """Every template of this customer, by id, whatever its status."""
        return self.templates_of.get(customer, ())

    def code_number(self, number: str, /) -> CodeNumber | None:
        """The registered code number that `number` equals or extends: the longest one wins."""
        digits = len(number)
        for length in self.code_number_lengths:
            if length <= digits:
                found = self.code_numbers.get(number[:length])
                if found is not None:
                    return found
        return None

    def version(self, kind: str, object_id: str, /) -> int:
        """The current version of an object; 0 when there is none."""
        return self.versions.get((kind, object_id), 0)

    def current(self, kind: str, object_id: str, /) -> RegistryObject | None:
        """The current object of this kind and id."""
        return self._objects(kind).get(object_id)

    def objects(self) -> Iterable[RegistryObject]:
        """Every current object, kind by kind, ids in order."""
        for kind in TYPES:
            by_id = self._objects(kind)
            for object_id in sorted(by_id):
                yield by_id[object_id]

    def with_change(self, item: RegistryObject, version: int) -> "Snapshot":
        """The next snapshot: `item` replaces the object of its kind and id."""
        return self.with_changes((Versioned(item, version),))

    def with_changes(self, changes: Sequence[Versioned]) -> "Snapshot":
        """The next snapshot after all `changes`, in order. Copies only the indexes of the kinds touched."""
        if not changes:
            return self
        draft = _Draft(self)
        for change in changes:
            draft.put(change.item, change.version)
        return draft.finish()

    def _objects(self, kind: str) -> Mapping[str, RegistryObject]:
        by_kind: dict[str, Mapping[str, RegistryObject]] = {
            "customer": self.customers,
            "principal": self.principals,
            "signature": self.signatures,
            "mandate": self.mandates_by_id,
            "template": self.templates_by_id,
            "code_number": self.code_numbers,
        }
        return by_kind[kind]


EMPTY: Final = Snapshot()


def build(objects: Iterable[Versioned]) -> Snapshot:
    """The snapshot of these objects; of several with one kind and id the last one stands."""
    return EMPTY.with_changes(tuple(objects))


def in_force(valid_from: str, valid_until: str, day: str) -> bool:
    """True when `day` lies within the two dates, both inclusive; an empty date is no limit.

    All three are `YYYY-MM-DD` in the registry's time zone, and such dates order as text.
    """
    return (not valid_from or valid_from <= day) and (not valid_until or day <= valid_until)


class _Draft:
    """The indexes of the next snapshot; each is copied when it is first written to."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._from = snapshot
        self._written: dict[str, dict[Any, Any]] = {}  # Any: keys and values differ by index

    def _index(self, name: str, current: Mapping[_K, _V]) -> dict[_K, _V]:
        if name not in self._written:
            self._written[name] = dict(current)
        return self._written[name]

    def put(self, item: RegistryObject, version: int) -> None:
        old = self._from
        self._index("versions", old.versions)[kind_of(item), item.id] = version
        match item:
            case Customer():
                self._put_customer(item)
            case Principal():
                self._index("principals", old.principals)[item.id] = item
            case Signature():
                self._index("signatures", old.signatures)[item.id] = item
            case Mandate():
                self._put_mandate(item)
            case Template():
                self._put_template(item)
            case CodeNumber():
                self._index("code_numbers", old.code_numbers)[item.id] = item

    def _put_customer(self, customer: Customer) -> None:
        customers = self._index("customers", self._from.customers)
        system_ids = self._index("system_ids", self._from.system_ids)
        before = customers.get(customer.id)
        # Only the owner gives a system_id up: within one change it may already be another customer's.
        given_up = before.smpp.system_id if before is not None and before.smpp is not None else ""
        if given_up and system_ids.get(given_up) == customer.id:
            del system_ids[given_up]
        customers[customer.id] = customer
        if customer.smpp is not None:
            system_ids[customer.smpp.system_id] = customer.id

    def _put_mandate(self, mandate: Mandate) -> None:
        by_id = self._index("mandates_by_id", self._from.mandates_by_id)
        between = self._index("mandates_between", self._from.mandates_between)
        before = by_id.get(mandate.id)
        if before is not None:
            _take_out(between, (before.customer, before.principal), before.id)
        by_id[mandate.id] = mandate
        pair = (mandate.customer, mandate.principal)
        between[pair] = _put_in(between.get(pair, ()), mandate)

    def _put_template(self, template: Template) -> None:
        by_id = self._index("templates_by_id", self._from.templates_by_id)
        templates_of = self._index("templates_of", self._from.templates_of)
        before = by_id.get(template.id)
        if before is not None:
            _take_out(templates_of, before.customer, before.id)
        by_id[template.id] = template
        templates_of[template.customer] = _put_in(templates_of.get(template.customer, ()), template)

    def finish(self) -> Snapshot:
        old = self._from
        lengths = old.code_number_lengths
        if "code_numbers" in self._written:
            lengths = tuple(sorted({len(digits) for digits in self._written["code_numbers"]}, reverse=True))
        kept = {name: getattr(old, name) for name in _INDEXES if name not in self._written}
        return Snapshot(code_number_lengths=lengths, **kept, **self._written)


_INDEXES: Final = tuple(name for name in Snapshot.__struct_fields__ if name != "code_number_lengths")

_Owned = TypeVar("_Owned", bound=Mandate | Template)


def _put_in(owned: tuple[_Owned, ...], item: _Owned) -> tuple[_Owned, ...]:
    at = bisect_left(owned, item.id, key=lambda other: other.id)
    return (*owned[:at], item, *owned[at:])


def _take_out(index: dict[_K, tuple[_Owned, ...]], key: _K, object_id: str) -> None:
    rest = tuple(other for other in index[key] if other.id != object_id)
    if rest:
        index[key] = rest
    else:
        del index[key]
