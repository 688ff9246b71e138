"""Registry rules: may this customer speak for this principal, in this category, from this number?"""

from collections.abc import Iterator

import msgspec

from tideng.gateway.registry.snapshot import in_force
from tideng.gateway.review.registry_view import RegistryView
from tideng.gateway.review.standing import Asked, Standing, covers, look_up, runs
from tideng.gateway.review.values import Finding

Found = Iterator[Finding]


def customer_unknown(at: Standing) -> Found:
    """CUSTOMER_UNKNOWN: the registry has no such customer."""
    if at.customer is None:
        yield Finding("CUSTOMER_UNKNOWN", at.customer_id)


def customer_inactive(at: Standing) -> Found:
    """CUSTOMER_INACTIVE: suspended or closed."""
    if at.customer is not None and at.customer.status != "active":
        yield Finding("CUSTOMER_INACTIVE", at.customer.status)


def customer_unlicensed(at: Standing) -> Found:
    """CUSTOMER_UNLICENSED: no licence or qualification on file, or not valid today (电信条例 art. 7)."""
    if at.customer is None or not at.licence_required:
        return
    licence = at.customer.licence
    if licence is None:
        yield Finding("CUSTOMER_UNLICENSED", "none on file")
    elif not in_force(licence.valid_from, licence.valid_until, at.day):
        yield Finding("CUSTOMER_UNLICENSED", f"valid {licence.valid_from} to {licence.valid_until}")


def category_not_allowed(at: Standing) -> Found:
    """CATEGORY_NOT_ALLOWED: the customer was not admitted for this category."""
    if at.customer is not None and at.category not in at.customer.categories:
        yield Finding("CATEGORY_NOT_ALLOWED", at.category)


def code_number_unknown(at: Standing) -> Found:
    """CODE_NUMBER_UNKNOWN: none given and no default, or not in the registry."""
    if at.code_number is None:
        yield Finding("CODE_NUMBER_UNKNOWN", at.shown)


def code_number_not_bound(at: Standing) -> Found:
    """CODE_NUMBER_NOT_BOUND: the number is not this customer's today (反电信网络诈骗法 art. 31)."""
    number = at.code_number
    if number is not None and not any(
        binding.customer == at.customer_id and in_force(binding.valid_from, binding.valid_until, at.day)
        for binding in number.bindings
    ):
        yield Finding("CODE_NUMBER_NOT_BOUND", at.shown)


def code_number_holder_lapsed(at: Standing) -> Found:
    """CODE_NUMBER_HOLDER_LAPSED: the holder's right to the number is over or suspended."""
    number = at.code_number
    if number is not None and (number.status != "active" or not in_force("", number.held_until, at.day)):
        yield Finding("CODE_NUMBER_HOLDER_LAPSED", number.held_until or number.status)


def signature_unregistered(at: Standing) -> Found:
    """SIGNATURE_UNREGISTERED: the brand in 【】 is not on file (工信管函〔2023〕794号)."""
    if at.signature_text and at.signature is None:
        yield Finding("SIGNATURE_UNREGISTERED", at.signature_text)


def signature_expired(at: Standing) -> Found:
    """SIGNATURE_EXPIRED: on file, but not active today."""
    signature = at.signature
    if signature is not None and (
        signature.status != "active" or not in_force(signature.valid_from, signature.valid_until, at.day)
    ):
        yield Finding("SIGNATURE_EXPIRED", signature.valid_until or signature.status)


def signature_of_another(at: Standing) -> Found:
    """SIGNATURE_OF_ANOTHER: the declared principal does not own the brand in 【】."""
    if at.signature is not None and at.principal_id != at.signature.principal:
        yield Finding("SIGNATURE_OF_ANOTHER", at.signature_text)


def principal_unknown(at: Standing) -> Found:
    """PRINCIPAL_UNKNOWN: declared or owning the signature, but not in the registry."""
    if at.principal_id and at.principal is None:
        yield Finding("PRINCIPAL_UNKNOWN", at.principal_id)


def principal_inactive(at: Standing) -> Found:
    """PRINCIPAL_INACTIVE: suspended or closed."""
    if at.principal is not None and at.principal.status != "active":
        yield Finding("PRINCIPAL_INACTIVE", at.principal.status)


def mandate_family(at: Standing) -> Found:
    """MANDATE_MISSING, MANDATE_EXPIRED or MANDATE_OUT_OF_SCOPE: nobody asked, not now, or not for this."""
    if not at.principal_id or at.mandate is not None:
        return
    running = [mandate for mandate in at.mandates if runs(mandate, at.day)]
    if not at.mandates:
        yield Finding("MANDATE_MISSING", at.principal_id)
    elif not running:
        yield Finding("MANDATE_EXPIRED", at.mandates[-1].id)
    else:
        yield Finding("MANDATE_OUT_OF_SCOPE", f"{running[0].id}: {at.category}")


def debt_demand_unmandated(at: Standing) -> Found:
    """DEBT_DEMAND_UNMANDATED: a debt demand that no registered principal's mandate names."""
    if at.demands_debt and (
        at.signature is None or not any(covers(m, at.signature_text, "debt", at.day) for m in at.mandates)
    ):
        yield Finding("DEBT_DEMAND_UNMANDATED", at.signature_text)


RULES = (
    customer_unknown,
    customer_inactive,
    customer_unlicensed,
    category_not_allowed,
    code_number_unknown,
    code_number_not_bound,
    code_number_holder_lapsed,
    signature_unregistered,
    signature_expired,
    signature_of_another,
    principal_unknown,
    principal_inactive,
    mandate_family,
    debt_demand_unmandated,
)


def standing_of(asked: Asked, registry: RegistryView, day: str, licence_required: bool) -> Standing:
    """The registry's answer together with what the rules see in it."""
    at = look_up(asked, registry, day, licence_required)
    return msgspec.structs.replace(at, findings=tuple(f for rule in RULES for f in rule(at)))
