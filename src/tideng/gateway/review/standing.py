"""Who speaks, for whom, from which number: read once per batch for all messages that share it."""

from msgspec import Struct

from tideng.gateway.registry.snapshot import in_force
from tideng.gateway.registry.values import CodeNumber, Customer, Mandate, Principal, Signature
from tideng.gateway.review.registry_view import RegistryView
from tideng.gateway.review.values import Finding


class Standing(Struct, frozen=True, kw_only=True, gc=False):
    """What the registry says about one way of speaking, on one day."""

    customer_id: str
    customer: Customer | None
    shown: str
    """The code number to be shown, extension included; may be empty."""
    code_number: CodeNumber | None
    signature_text: str
    signature: Signature | None
    declared_principal: str
    principal_id: str
    principal: Principal | None
    mandates: tuple[Mandate, ...]
    """Every mandate between the two, ended ones included."""
    mandate: Mandate | None
    """The one that covers this message."""
    category: str
    demands_debt: bool
    day: str
    licence_required: bool
    """The policy's parameter."""
    versions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Asked(Struct, frozen=True, gc=False):
    """What a standing depends on; equal questions have equal answers within a batch."""

    customer: str
    code_number: str
    signature: str
    principal: str
    category: str
    demands_debt: bool


def look_up(asked: Asked, registry: RegistryView, day: str, licence_required: bool) -> Standing:
    """The registry's answer, without findings."""
    customer = registry.customer(asked.customer)
    shown = asked.code_number or (customer.default_code_number if customer else "")
    code_number = registry.code_number(shown) if shown else None
    signature = registry.signature(asked.signature) if asked.signature else None
    principal_id = asked.principal or (signature.principal if signature else "")
    principal = registry.principal(principal_id) if principal_id else None
    mandates = tuple(registry.mandates(asked.customer, principal_id)) if principal_id else ()
    mandate = next((m for m in mandates if covers(m, asked.signature, asked.category, day)), None)
    versions = [("customer", asked.customer)] if customer else []
    versions += [("code_number", code_number.id)] if code_number else []
    versions += [("signature", signature.id)] if signature else []
    versions += [("principal", principal_id)] if principal else []
    # All of them: that none covered the message is also something this verdict read.
    versions += [("mandate", m.id) for m in mandates]
    return Standing(
        customer_id=asked.customer,
        customer=customer,
        shown=shown,
        code_number=code_number,
        signature_text=asked.signature,
        signature=signature,
        declared_principal=asked.principal,
        principal_id=principal_id,
        principal=principal,
        mandates=mandates,
        mandate=mandate,
        category=asked.category,
        demands_debt=asked.demands_debt,
        day=day,
        licence_required=licence_required,
        versions=tuple(f"{kind}:{name}@{registry.version(kind, name)}" for kind, name in versions),
    )


def runs(mandate: Mandate, day: str) -> bool:
    """True when the mandate is active and `day` is within its dates."""
    return mandate.status == "active" and in_force(mandate.valid_from, mandate.valid_until, day)


def covers(mandate: Mandate, signature: str, category: str, day: str) -> bool:
    """True when the mandate runs and includes signature and category; debt must be named."""
    if not runs(mandate, day) or (mandate.signatures and signature not in mandate.signatures):
        return False
    if category == "debt":
        return "debt" in mandate.categories
    return not mandate.categories or category in mandate.categories
