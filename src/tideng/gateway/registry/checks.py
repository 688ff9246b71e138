"""What makes a registry object acceptable, by itself and beside the others. Pure.

`check` says everything that is wrong at once. It never quotes a password or a call-back number: problems
are shown to operators and may be logged.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from tideng.gateway.registry.fields import (
    callback,
    category_list,
    code_digits,
    count,
    credit_code,
    host,
    identifier,
    listed,
    name,
    network,
    password_hash,
    period,
    sha256,
    signature_text,
    webhook,
)
from tideng.gateway.registry.kinds import kind_of
from tideng.gateway.registry.problems import Problem
from tideng.gateway.registry.snapshot import Snapshot
from tideng.gateway.registry.template_body import body_problems
from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Licence,
    Mandate,
    Principal,
    RegistryObject,
    Signature,
    SmppAccess,
    Template,
)

SYSTEM_ID_MAX: Final = 15
"""SMPP 3.4 §5.2.1: 16 octets with the closing NUL."""
BINDS_MAX: Final = 64
WINDOW_MAX: Final = 10_000
THROUGHPUT_MAX: Final = 100_000
HOPS_MAX: Final = 10
"""Companies between a principal and a customer."""


def check(items: Sequence[RegistryObject], after: Snapshot) -> list[Problem]:
    """Everything wrong with `items`, given the registry as it would be `after` all of them.

    References are looked up in `after`, so one change may bring a mandate and its principal together.
    Objects that are not in `items` are looked at only where a change could break them: mandates naming a
    changed signature, and customers sharing a system_id.
    """
    problems: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    for item in items:
        kind = kind_of(item)
        place = f"{kind}:{item.id}"
        if (kind, item.id) in seen:
            problems.append(Problem(place, "is given twice in one change; keep one of them"))
        seen.add((kind, item.id))
        problems.extend(Problem(place + path, message) for path, message in _item(item, after))
    problems.extend(_shared_system_ids(items, after))
    problems.extend(_orphaned_mandates(items, after))
    return problems


_Said = Iterator[tuple[str, str]]


def _item(item: RegistryObject, after: Snapshot) -> _Said:
    match item:
        case Customer():
            return _customer(item, after)
        case Principal():
            return _principal(item)
        case Signature():
            return _signature(item, after)
        case Mandate():
            return _mandate(item, after)
        case Template():
            return _template(item, after)
        case CodeNumber():
            return _code_number(item, after)


def _at(path: str, messages: Iterable[str]) -> _Said:
    for message in messages:
        yield path, message


def _each(path: str, values: Sequence[str], judge: Callable[[str], Iterable[str]]) -> _Said:
    yield from _at(path, listed(values))
    for nth, value in enumerate(values):
        yield from _at(f"{path}[{nth}]", judge(value))


def _customer(customer: Customer, after: Snapshot) -> _Said:
    yield from _at(".id", identifier(customer.id))
    yield from _at(".name", name(customer.name))
    yield from _at(".credit_code", credit_code(customer.credit_code))
    yield from _at(".categories", category_list(customer.categories))
    yield from _at(".throughput_per_s", count(customer.throughput_per_s, THROUGHPUT_MAX))
    yield from _each(".links", customer.links, host)
    yield from _each(".callbacks", customer.callbacks, callback)
    yield from _at(".webhook", webhook(customer.webhook))
    if customer.licence is not None:
        yield from _licence(customer.licence)
    if customer.smpp is not None:
        yield from _smpp(customer.smpp)
    if customer.default_code_number and after.code_number(customer.default_code_number) is None:
        yield (
            ".default_code_number",
            f"{customer.default_code_number!r} is not, and does not extend, a registered code number; "
            f"add a [[code_number]] or leave this empty",
        )
    if customer.default_signature and after.signature(customer.default_signature) is None:
        yield ".default_signature", _unknown("signature", customer.default_signature)


def _licence(licence: Licence) -> _Said:
    yield from _at(".licence.number", name(licence.number))
    yield from _at(".licence", period(licence.valid_from, licence.valid_until))


def _smpp(smpp: SmppAccess) -> _Said:
    system_id = smpp.system_id
    if (
        not system_id
        or len(system_id) > SYSTEM_ID_MAX
        or not (system_id.isascii() and system_id.isprintable())
    ):
        yield (
            ".smpp.system_id",
            f"{system_id[:40]!r} has {len(system_id)} characters; SMPP 3.4 §5.2.1 allows 1 to "
            f"{SYSTEM_ID_MAX} printable ASCII ones. Choose a shorter, plain one",
        )
    yield from _at(".smpp.password_hash", password_hash(smpp.password_hash))
    yield from _each(".smpp.allow", smpp.allow, network)
    yield from _at(".smpp.binds_max", count(smpp.binds_max, BINDS_MAX))
    yield from _at(".smpp.window", count(smpp.window, WINDOW_MAX))


def _principal(principal: Principal) -> _Said:
    yield from _at(".id", identifier(principal.id))
    yield from _at(".name", name(principal.name))
    yield from _at(".credit_code", credit_code(principal.credit_code))


def _signature(signature: Signature, after: Snapshot) -> _Said:
    yield from _at(".id", signature_text(signature.id))
    yield from _at("", period(signature.valid_from, signature.valid_until))
    if after.principal(signature.principal) is None:
        yield ".principal", _unknown("principal", signature.principal)


def _mandate(mandate: Mandate, after: Snapshot) -> _Said:
    yield from _at(".id", identifier(mandate.id))
    yield from _at("", period(mandate.valid_from, mandate.valid_until))
    yield from _at(".categories", category_list(mandate.categories, may_be_empty=True))
    yield from _at(".document_hash", sha256(mandate.document_hash))
    if len(mandate.via) > HOPS_MAX:
        yield ".via", f"has {len(mandate.via)} companies; the limit is {HOPS_MAX}. Who is really speaking?"
    for nth, hop in enumerate(mandate.via):
        yield from _at(f".via[{nth}].name", name(hop.name))
        yield from _at(f".via[{nth}].document_hash", sha256(hop.document_hash))
        if hop.credit_code:
            yield from _at(f".via[{nth}].credit_code", credit_code(hop.credit_code))
    if after.principal(mandate.principal) is None:
        yield ".principal", _unknown("principal", mandate.principal)
    if after.customer(mandate.customer) is None:
        yield ".customer", _unknown("customer", mandate.customer)
    yield from _at(".signatures", listed(mandate.signatures))
    for nth, text in enumerate(mandate.signatures):
        known = after.signature(text)
        if known is None:
            yield f".signatures[{nth}]", _unknown("signature", text)
        elif known.principal != mandate.principal:
            yield f".signatures[{nth}]", _not_theirs(text, known.principal, mandate.principal)


def _template(template: Template, after: Snapshot) -> _Said:
    yield from _at(".id", identifier(template.id))
    if after.customer(template.customer) is None:
        yield ".customer", _unknown("customer", template.customer)
    if template.signature and after.signature(template.signature) is None:
        yield ".signature", _unknown("signature", template.signature)
    yield from body_problems(template.body, template.slots)


def _code_number(number: CodeNumber, after: Snapshot) -> _Said:
    yield from _at(".id", code_digits(number.id))
    yield from _at(".holder", name(number.holder))
    yield from _at(".held_until", period("", number.held_until))
    yield from _at(".bindings", listed([binding.customer for binding in number.bindings], repeats=True))
    for nth, binding in enumerate(number.bindings):
        if after.customer(binding.customer) is None:
            yield f".bindings[{nth}].customer", _unknown("customer", binding.customer)
        yield from _at(f".bindings[{nth}]", period(binding.valid_from, binding.valid_until))


def _shared_system_ids(items: Sequence[RegistryObject], after: Snapshot) -> Iterator[Problem]:
    changed = {item.smpp.system_id for item in items if isinstance(item, Customer) and item.smpp is not None}
    if not changed:
        return
    owner: dict[str, str] = {}
    for customer in after.customers.values():
        if customer.smpp is None or customer.smpp.system_id not in changed:
            continue
        first = owner.setdefault(customer.smpp.system_id, customer.id)
        if first != customer.id:
            yield Problem(
                f"customer:{customer.id}.smpp.system_id",
                f"{customer.smpp.system_id!r} already belongs to customer {first!r}; "
                f"a system_id names one customer. Choose another",
            )


def _orphaned_mandates(items: Sequence[RegistryObject], after: Snapshot) -> Iterator[Problem]:
    changed = {item.id: item for item in items if isinstance(item, Signature)}
    given = {item.id for item in items if isinstance(item, Mandate)}
    if not changed:
        return
    for mandate in after.mandates_by_id.values():
        if mandate.id in given or mandate.status == "closed":
            continue
        for text in mandate.signatures:
            signature = changed.get(text)
            if signature is not None and signature.principal != mandate.principal:
                yield Problem(
                    f"signature:{text}.principal",
                    f"mandate {mandate.id!r}: {_not_theirs(text, signature.principal, mandate.principal)}",
                )


def _not_theirs(text: str, owner: str, principal: str) -> str:
    return (
        f"signature {text!r} belongs to principal {owner!r}, not to {principal!r}, "
        f"who cannot give a mandate for it. Name the owner's mandate or remove the signature"
    )


def _unknown(kind: str, object_id: str) -> str:
    return f"{kind} {object_id!r} is not registered; add a [[{kind}]] with this id, or correct the id"
