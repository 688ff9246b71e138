"""The SMPP PDUs as frozen values, with the specification's field names (SMPP 3.4 §4).

Construct them with keywords; every field has a default. Strings are C-octet strings read as Latin-1
without their NUL, octet strings are bytes. `tlvs` keeps unknown TLVs, verbatim and in order.
Nothing here checks limits: `encode` does (strictly), `decode` does (leniently).
"""

from typing import ClassVar, Final

from msgspec import Struct

from tideng.gateway.wire.smpp import tlvs as tlv_values
from tideng.gateway.wire.smpp.commands import Command
from tideng.gateway.wire.smpp.tlvs import Tag, Tlvs

ESM_TYPE_MASK: Final = 0x3C
ESM_RECEIPT: Final = 0x04
ESM_INTERMEDIATE: Final = 0x20
ESM_UDHI: Final = 0x40


class Pdu(Struct, frozen=True, gc=False):
    """What every PDU has. `gc=False` is safe: a PDU holds only numbers, strings, bytes and tuples of them."""

    command_id: ClassVar[int]
    sequence: int = 0
    status: int = 0
    tlvs: Tlvs = ()

    def __repr__(self) -> str:
        # Passwords, numbers and texts must not reach a log by way of a repr.
        return f"{type(self).__name__}(sequence={self.sequence}, status=0x{self.status:X})"

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first TLV with this tag, or None."""
        return tlv_values.find(self.tlvs, tag) if self.tlvs else None


class Bind(Pdu, frozen=True, gc=False):
    """What the three bind requests share (§4.1). Never on the wire itself."""

    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


class BindTransmitter(Bind, frozen=True, gc=False):
    """A client asks to submit (§4.1.1)."""

    command_id: ClassVar[int] = Command.BIND_TRANSMITTER


class BindReceiver(Bind, frozen=True, gc=False):
    """A client asks to be delivered to (§4.1.3)."""

    command_id: ClassVar[int] = Command.BIND_RECEIVER


class BindTransceiver(Bind, frozen=True, gc=False):
    """A client asks for both directions (§4.1.5)."""

    command_id: ClassVar[int] = Command.BIND_TRANSCEIVER


class BindResp(Pdu, frozen=True, gc=False):
    """The answer to any bind; `command_id` says to which (§4.1.2)."""

    # An instance field here alone: one class answers three commands.
    command_id: int = Command.BIND_TRANSCEIVER_RESP  # type: ignore[misc]
    system_id: str = ""


class Outbind(Pdu, frozen=True, gc=False):
    """A message centre asks a client to bind as receiver (§4.1.7). Has no response."""

    command_id: ClassVar[int] = Command.OUTBIND
    system_id: str = ""
    password: str = ""


class Unbind(Pdu, frozen=True, gc=False):
    """Either side ends the session (§4.2)."""

    command_id: ClassVar[int] = Command.UNBIND


class UnbindResp(Pdu, frozen=True, gc=False):
    """The session is over (§4.2.2)."""

    command_id: ClassVar[int] = Command.UNBIND_RESP


class EnquireLink(Pdu, frozen=True, gc=False):
    """Are you there? (§4.11)"""

    command_id: ClassVar[int] = Command.ENQUIRE_LINK


class EnquireLinkResp(Pdu, frozen=True, gc=False):
    """I am here (§4.11.2)."""

    command_id: ClassVar[int] = Command.ENQUIRE_LINK_RESP


class GenericNack(Pdu, frozen=True, gc=False):
    """A PDU could not be understood; `status` says why (§4.3)."""

    command_id: ClassVar[int] = Command.GENERIC_NACK


class Unsupported(Pdu, frozen=True, gc=False):
    """A command of SMPP 5.0 that we recognise and do not serve; answered with ESME_RINVCMDID."""

    command_id: int = 0  # type: ignore[misc]  # one class for three commands
    body: bytes = b""


class Message(Pdu, frozen=True, gc=False):
    """What submit_sm and deliver_sm share: the same fields in the same order. Never on the wire itself."""

    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""

    @property
    def content(self) -> bytes:
        """The user data: short_message, or message_payload when short_message is empty (§5.3.2.32)."""
        return self.short_message or self.tlv(Tag.MESSAGE_PAYLOAD) or b""

    @property
    def has_udh(self) -> bool:
        """The content starts with a user data header (esm_class bit 6, §5.2.12)."""
        return bool(self.esm_class & ESM_UDHI)

    @property
    def is_receipt(self) -> bool:
        """An SMSC delivery receipt: bits 5–2 of esm_class are 0001, whatever the others say (§5.2.12)."""
        return self.esm_class & ESM_TYPE_MASK == ESM_RECEIPT

    @property
    def is_intermediate(self) -> bool:
        """An intermediate delivery notification: bits 5–2 of esm_class are 1000 (§5.2.12)."""
        return self.esm_class & ESM_TYPE_MASK == ESM_INTERMEDIATE


class SubmitSm(Message, frozen=True, gc=False):
    """A client submits one message (§4.4.1)."""

    command_id: ClassVar[int] = Command.SUBMIT_SM


class DeliverSm(Message, frozen=True, gc=False):
    """A message centre delivers a message or a receipt (§4.6.1)."""

    command_id: ClassVar[int] = Command.DELIVER_SM


class SubmitSmResp(Pdu, frozen=True, gc=False):
    """What became of a submit_sm (§4.4.2)."""

    command_id: ClassVar[int] = Command.SUBMIT_SM_RESP
    message_id: str = ""


class DeliverSmResp(Pdu, frozen=True, gc=False):
    """What became of a deliver_sm; message_id is unused and empty (§4.6.2)."""

    command_id: ClassVar[int] = Command.DELIVER_SM_RESP
    message_id: str = ""


class SmeAddress(Struct, frozen=True, gc=False):
    """One destination number of a submit_multi (§4.5.1.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""

    def __repr__(self) -> str:
        return "SmeAddress()"


class DistributionList(Struct, frozen=True, gc=False):
    """One list kept at the message centre, as a destination of a submit_multi (§4.5.1.1)."""

    dl_name: str = ""


class UnsuccessSme(Struct, frozen=True, gc=False):
    """One destination that a submit_multi did not reach (§4.5.2.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0

    def __repr__(self) -> str:
        return f"UnsuccessSme(error_status_code={self.error_status_code})"


class SubmitMulti(Pdu, frozen=True, gc=False):
    """A client submits one message to up to 254 destinations (§4.5.1)."""

    command_id: ClassVar[int] = Command.SUBMIT_MULTI
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    destinations: tuple[SmeAddress | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""

    @property
    def content(self) -> bytes:
        """The user data: short_message, or message_payload when short_message is empty."""
        return self.short_message or self.tlv(Tag.MESSAGE_PAYLOAD) or b""

    @property
    def has_udh(self) -> bool:
        """The content starts with a user data header."""
        return bool(self.esm_class & ESM_UDHI)


class SubmitMultiResp(Pdu, frozen=True, gc=False):
    """What became of a submit_multi (§4.5.2)."""

    command_id: ClassVar[int] = Command.SUBMIT_MULTI_RESP
    message_id: str = ""
    unsuccess: tuple[UnsuccessSme, ...] = ()


class DataSm(Pdu, frozen=True, gc=False):
    """A message or receipt in either direction, its content in message_payload (§4.7.1)."""

    command_id: ClassVar[int] = Command.DATA_SM
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0

    @property
    def content(self) -> bytes:
        """The user data: message_payload, empty when absent."""
        return self.tlv(Tag.MESSAGE_PAYLOAD) or b""

    @property
    def has_udh(self) -> bool:
        """The content starts with a user data header."""
        return bool(self.esm_class & ESM_UDHI)

    @property
    def is_receipt(self) -> bool:
        """An SMSC delivery receipt."""
        return self.esm_class & ESM_TYPE_MASK == ESM_RECEIPT

    @property
    def is_intermediate(self) -> bool:
        """An intermediate delivery notification."""
        return self.esm_class & ESM_TYPE_MASK == ESM_INTERMEDIATE


class DataSmResp(Pdu, frozen=True, gc=False):
    """What became of a data_sm (§4.7.2)."""

    command_id: ClassVar[int] = Command.DATA_SM_RESP
    message_id: str = ""


class QuerySm(Pdu, frozen=True, gc=False):
    """A client asks what became of a message (§4.8.1)."""

    command_id: ClassVar[int] = Command.QUERY_SM
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


class QuerySmResp(Pdu, frozen=True, gc=False):
    """The state of a message (§4.8.2)."""

    command_id: ClassVar[int] = Command.QUERY_SM_RESP
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0


class CancelSm(Pdu, frozen=True, gc=False):
    """A client withdraws messages that are still waiting (§4.9.1)."""

    command_id: ClassVar[int] = Command.CANCEL_SM
    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class CancelSmResp(Pdu, frozen=True, gc=False):
    """What became of a cancel_sm (§4.9.2)."""

    command_id: ClassVar[int] = Command.CANCEL_SM_RESP


class ReplaceSm(Pdu, frozen=True, gc=False):
    """A client replaces a message that is still waiting (§4.10.1)."""

    command_id: ClassVar[int] = Command.REPLACE_SM
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


class ReplaceSmResp(Pdu, frozen=True, gc=False):
    """What became of a replace_sm (§4.10.2)."""

    command_id: ClassVar[int] = Command.REPLACE_SM_RESP


class AlertNotification(Pdu, frozen=True, gc=False):
    """A message centre says that a subscriber can be reached again (§4.12.1). Has no response."""

    command_id: ClassVar[int] = Command.ALERT_NOTIFICATION
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""
