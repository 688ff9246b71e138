"""What the review asks of the registry. The registry's snapshot fulfils it."""

from collections.abc import Sequence
from typing import Protocol

from tideng.gateway.registry.values import CodeNumber, Customer, Mandate, Principal, Signature, Template


class RegistryView(Protocol):
    """One unchanging state of the registry: every answer during one review comes from the same moment.

    Closed, suspended and expired objects are answered too; whether they are in force is the review's
    question. Unknown ids give None or nothing, never an error.
    """

    def customer(self, customer_id: str, /) -> Customer | None: ...

    def code_number(self, number: str, /) -> CodeNumber | None:
        """The registered number that `number` equals or extends; the longest one wins."""
        ...

    def signature(self, text: str, /) -> Signature | None: ...

    def principal(self, principal_id: str, /) -> Principal | None: ...

    def mandates(self, customer: str, principal: str, /) -> Sequence[Mandate]:
        """All mandates between the two, in an order that depends on nothing but their ids."""
        ...

    def templates(self, customer: str, /) -> Sequence[Template]: ...

    def version(self, kind: str, object_id: str, /) -> int:
        """The version of the object just answered; 0 when there is none."""
        ...
