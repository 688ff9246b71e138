"""What a customer may ask about its own messages, and take back."""

from tideng.gateway.messages import MessageId
from tideng.gateway.second_look import SecondLook
from tideng.gateway.store.store import Store


class Inquiries:
    """Answers about a customer's own messages; others' do not exist for it."""

    def __init__(self, store: Store, second_look: SecondLook) -> None:
        self._store = store
        self._second_look = second_look

    def state_of(self, customer: str, message: MessageId) -> str | None:
        """The state (`store/states.py`), or None when the customer has no such message."""
        found = self._store.reader.execute(
            "SELECT state FROM message WHERE id = ? AND customer = ?", (message, customer)
        ).fetchone()
        return None if found is None else str(found[0])

    async def cancel(self, customer: str, message: MessageId) -> bool:
        """Take back a message that is held or waits; False when it is too late or not the customer's."""
        return await self._second_look.cancel(customer, message)
