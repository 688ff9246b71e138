"""The six kinds of registry objects and the names they go by in entries, tables, TOML and verdicts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tideng.gateway.registry.values import (
    CodeNumber,
    Customer,
    Mandate,
    Principal,
    RegistryObject,
    Signature,
    Template,
)

TYPES: Final[Mapping[str, type[RegistryObject]]] = MappingProxyType(
    {
        "principal": Principal,
        "customer": Customer,
        "signature": Signature,
        "mandate": Mandate,
        "template": Template,
        "code_number": CodeNumber,
    }
)
"""Kind to type, in the order in which a file reads best: what is referred to comes first, mostly."""

_KINDS: Final[Mapping[type, str]] = MappingProxyType({kind_type: kind for kind, kind_type in TYPES.items()})


def kind_of(item: RegistryObject) -> str:
    """The kind's name: customer, principal, signature, mandate, template or code_number."""
    return _KINDS[type(item)]
