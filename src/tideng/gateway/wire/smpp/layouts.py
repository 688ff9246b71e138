"""Every PDU off the hot path, as a table of its fields (SMPP 3.4 §4), and one reader and writer for all."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tideng.gateway.wire.smpp import pdus
from tideng.gateway.wire.smpp.errors import OurMistake, PeerMistake
from tideng.gateway.wire.smpp.octets import (
    c_octets,
    c_time,
    check_message,
    one_octet,
    peer_mistake,
    read_tlvs,
    read_tlvs_as_far_as_possible,
    write_tlvs,
)
from tideng.gateway.wire.smpp.pdus import (
    DistributionList,
    Pdu,
    ReplaceSm,
    SmeAddress,
    SubmitMulti,
    UnsuccessSme,
)
from tideng.gateway.wire.smpp.statuses import Status
from tideng.gateway.wire.smpp.tlvs import Tag

DESTINATIONS_MAX: Final = 254
_SME: Final = 1
_LIST: Final = 2


class Text(NamedTuple):
    """A C-octet string. Written up to `octets_max` with its NUL; read up to `read_max`."""

    name: str
    octets_max: int
    status: Status
    read_max: int = 0


class Octet(NamedTuple):
    """One unsigned octet."""

    name: str


class Time(NamedTuple):
    """A time field: empty or 16 characters."""

    name: str
    status: Status


class Octets(NamedTuple):
    """sm_length and short_message."""

    name: str


class Destinations(NamedTuple):
    """number_of_dests and dest_address(es) of submit_multi."""

    name: str


class Unsuccess(NamedTuple):
    """no_unsuccess and unsuccess_sme(s) of submit_multi_resp."""

    name: str


Field = Text | Octet | Time | Octets | Destinations | Unsuccess


def _address(prefix: str, name: str, octets_max: int, status: Status) -> tuple[Field, ...]:
    return Octet(f"{prefix}_ton"), Octet(f"{prefix}_npi"), Text(name, octets_max, status)


_SERVICE: Final = Text("service_type", 6, Status.ESME_RINVSERTYP)
_SOURCE: Final = _address("source_addr", "source_addr", 21, Status.ESME_RINVSRCADR)
_DESTINATION: Final = _address("dest_addr", "destination_addr", 21, Status.ESME_RINVDSTADR)
_MESSAGE_ID: Final = Text("message_id", 65, Status.ESME_RINVMSGID, 255)
_TIMES: Final = (
    Time("schedule_delivery_time", Status.ESME_RINVSCHED),
    Time("validity_period", Status.ESME_RINVEXPIRY),
)
# Peers document passwords of 30 characters: read them, and let the sign-in decide.
_SYSTEM_ID: Final = Text("system_id", 16, Status.ESME_RINVSYSID, 64)
_PASSWORD: Final = Text("password", 9, Status.ESME_RINVPASWD, 64)
_BIND: Final = (
    _SYSTEM_ID,
    _PASSWORD,
    Text("system_type", 13, Status.ESME_RINVSYSTYP, 64),
    Octet("interface_version"),
    Octet("addr_ton"),
    Octet("addr_npi"),
    Text("address_range", 41, Status.ESME_RINVCMDLEN, 255),
)

FIELDS: Final[dict[type[Pdu], tuple[Field, ...]]] = {
    pdus.BindReceiver: _BIND,
    pdus.BindTransmitter: _BIND,
    pdus.BindTransceiver: _BIND,
    pdus.BindResp: (Text("system_id", 16, Status.ESME_RINVSYSID, 64),),
    pdus.Outbind: (_SYSTEM_ID, _PASSWORD),
    pdus.Unbind: (),
    pdus.UnbindResp: (),
    pdus.EnquireLink: (),
    pdus.EnquireLinkResp: (),
    pdus.GenericNack: (),
    pdus.SubmitMulti: (
        _SERVICE,
        *_SOURCE,
        Destinations("destinations"),
        Octet("esm_class"),
        Octet("protocol_id"),
        Octet("priority_flag"),
        *_TIMES,
        Octet("registered_delivery"),
        Octet("replace_if_present_flag"),
        Octet("data_coding"),
        Octet("sm_default_msg_id"),
        Octets("short_message"),
    ),
    pdus.SubmitMultiResp: (_MESSAGE_ID, Unsuccess("unsuccess")),
    pdus.DataSm: (
        _SERVICE,
        *_address("source_addr", "source_addr", 65, Status.ESME_RINVSRCADR),
        *_address("dest_addr", "destination_addr", 65, Status.ESME_RINVDSTADR),
        Octet("esm_class"),
        Octet("registered_delivery"),
        Octet("data_coding"),
    ),
    pdus.QuerySm: (_MESSAGE_ID, *_SOURCE),
    pdus.QuerySmResp: (
        _MESSAGE_ID,
        Time("final_date", Status.ESME_RQUERYFAIL),
        Octet("message_state"),
        Octet("error_code"),
    ),
    pdus.CancelSm: (_SERVICE, _MESSAGE_ID, *_SOURCE, *_DESTINATION),
    pdus.CancelSmResp: (),
    pdus.ReplaceSm: (
        _MESSAGE_ID,
        *_SOURCE,
        *_TIMES,
        Octet("registered_delivery"),
        Octet("sm_default_msg_id"),
        Octets("short_message"),
    ),
    pdus.ReplaceSmResp: (),
    pdus.AlertNotification: (
        *_address("source_addr", "source_addr", 65, Status.ESME_RINVSRCADR),
        *_address("esme_addr", "esme_addr", 65, Status.ESME_RINVDSTADR),
    ),
}

_RESPONSES: Final = frozenset({pdus.BindResp, pdus.SubmitMultiResp, pdus.QuerySmResp})
"""Responses with a body: none when the status is not ROK, and read as far as they go."""


class _Cursor:
    """Where we are in a frame. IndexError or ValueError: the body ends early."""

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.at = 16

    def octet(self) -> int:
        value = self.frame[self.at]
        self.at += 1
        return value

    def text(self, octets_max: int, name: str, status: int) -> str:
        end = self.frame.index(0, self.at)
        if end - self.at >= octets_max:
            raise peer_mistake(
                self.frame, f"{name} is {end - self.at} octets; the limit is {octets_max - 1}", status
            )
        value = self.frame[self.at : end].decode("latin-1")
        self.at = end + 1
        return value

    def short_message(self) -> bytes:
        length = self.octet()
        end = self.at + length
        if length == 255 or end > len(self.frame):
            raise peer_mistake(
                self.frame,
                f"sm_length is {length}, {len(self.frame) - self.at} octets are left",
                Status.ESME_RINVMSGLEN,
            )
        value = self.frame[self.at : end]
        self.at = end
        return value

    def destinations(self) -> tuple[SmeAddress | DistributionList, ...]:
        count = self.octet()
        if not 1 <= count <= DESTINATIONS_MAX:
            raise peer_mistake(
                self.frame, f"number_of_dests is {count}; it must be 1 to 254", Status.ESME_RINVNUMDESTS
            )
        found: list[SmeAddress | DistributionList] = []
        for _ in range(count):
            flag = self.octet()
            if flag == _SME:
                found.append(
                    SmeAddress(
                        self.octet(),
                        self.octet(),
                        self.text(21, "destination_addr", Status.ESME_RINVDSTADR),
                    )
                )
            elif flag == _LIST:
                found.append(DistributionList(self.text(21, "dl_name", Status.ESME_RINVDLNAME)))
            else:
                raise peer_mistake(
                    self.frame, f"dest_flag is {flag}; it must be 1 or 2", Status.ESME_RINVDESTFLAG
                )
        return tuple(found)

    def unsuccess(self) -> tuple[UnsuccessSme, ...]:
        found = []
        for _ in range(self.octet()):
            ton, npi = self.octet(), self.octet()
            address = self.text(255, "destination_addr", Status.ESME_RINVDSTADR)
            code = int.from_bytes(self.frame[self.at : self.at + 4], "big")
            self.at += 4
            if self.at > len(self.frame):
                raise IndexError("unsuccess_sme ends early")
            found.append(UnsuccessSme(ton, npi, address, code))
        return tuple(found)

    def field(self, field: Field) -> object:
        match field:
            case Octet():
                return self.octet()
            case Text(name, octets_max, status, read_max):
                return self.text(read_max or octets_max, name, status)
            case Time(name, status):
                return self.text(17, name, status)
            case Octets():
                return self.short_message()
            case Destinations():
                return self.destinations()
            case Unsuccess():
                return self.unsuccess()


def reader(make: type[Pdu]) -> Callable[[bytes, int, int], Pdu]:
    """The reader of a request, or of a header-only PDU. IndexError or ValueError: the body ends early."""
    fields = FIELDS[make]

    def read(frame: bytes, sequence: int, status: int) -> Pdu:
        cursor = _Cursor(frame)
        values = [cursor.field(field) for field in fields]
        tlvs = read_tlvs(frame, cursor.at) if cursor.at < len(frame) else ()
        pdu = make(sequence, status, tlvs, *values)
        if isinstance(pdu, SubmitMulti | ReplaceSm) and pdu.short_message and pdu.tlv(Tag.MESSAGE_PAYLOAD):
            # As in submit_sm: what is reviewed must be what is sent, so there is one text or none.
            raise peer_mistake(
                frame, "short_message and message_payload are both set; send one", Status.ESME_RINVMSGLEN
            )
        return pdu

    return read


def response_reader(make: type[Pdu], command_id: int | None = None) -> Callable[[bytes, int, int], Pdu]:
    """The reader of a response: takes what is there, finds no mistake, since nobody could answer it."""
    fields = FIELDS[make]
    names = [field.name for field in fields]
    fixed: dict[str, Any] = {} if command_id is None else {"command_id": command_id}

    def read(frame: bytes, sequence: int, status: int) -> Pdu:
        cursor = _Cursor(frame)
        # Any: the fields' types differ, and the table is what vouches for them.
        values: dict[str, Any] = dict(fixed)
        try:
            for name, field in zip(names, fields, strict=True):
                values[name] = cursor.field(field)
        except (IndexError, ValueError, PeerMistake):
            return make(sequence=sequence, status=status, **values)
        return make(
            sequence=sequence,
            status=status,
            tlvs=read_tlvs_as_far_as_possible(frame, cursor.at),
            **values,
        )

    return read


def _destinations(found: tuple[SmeAddress | DistributionList, ...]) -> bytes:
    if not 1 <= len(found) <= DESTINATIONS_MAX:
        raise OurMistake(f"{len(found)} destinations; there must be 1 to 254. Split the submit_multi")
    pieces = [bytes((len(found),))]
    for one in found:
        if isinstance(one, SmeAddress):
            pieces += (
                bytes((_SME,)),
                one_octet(one.dest_addr_ton, "dest_addr_ton"),
                one_octet(one.dest_addr_npi, "dest_addr_npi"),
                c_octets(one.destination_addr, 21, "destination_addr"),
            )
        else:
            pieces += (bytes((_LIST,)), c_octets(one.dl_name, 21, "dl_name"))
    return b"".join(pieces)


def _unsuccess(found: tuple[UnsuccessSme, ...]) -> bytes:
    if len(found) > 255:
        raise OurMistake(f"{len(found)} unsuccess_sme; the limit is 255")
    pieces = [bytes((len(found),))]
    for one in found:
        if not 0 <= one.error_status_code <= 0xFFFF_FFFF:
            raise OurMistake("error_status_code does not fit into 4 octets")
        pieces += (
            one_octet(one.dest_addr_ton, "dest_addr_ton"),
            one_octet(one.dest_addr_npi, "dest_addr_npi"),
            c_octets(one.destination_addr, 21, "destination_addr"),
            one.error_status_code.to_bytes(4, "big"),
        )
    return b"".join(pieces)


# Any: the field table, not the type checker, knows which type each field has.
def _write_field(field: Field, value: Any) -> bytes:
    match field:
        case Octet(name):
            return one_octet(value, name)
        case Text(name, octets_max):
            return c_octets(value, octets_max, name)
        case Time(name):
            return c_time(value, name)
        case Octets():
            return bytes((len(value),)) + bytes(value)
        case Destinations():
            return _destinations(value)
        case Unsuccess():
            return _unsuccess(value)


def write(pdu: Pdu) -> bytes:
    """The body of any PDU in the table. Raises OurMistake."""
    kind = type(pdu)
    tlvs = pdu.tlvs
    if pdu.status and not tlvs and kind in _RESPONSES:
        return b""  # no body where the status is not ROK (§4.1.2, §4.4.2)
    if isinstance(pdu, SubmitMulti | ReplaceSm):
        check_message(pdu.short_message, tlvs)
    body = b"".join([_write_field(field, getattr(pdu, field.name)) for field in FIELDS[kind]])
    return body + write_tlvs(tlvs) if tlvs else body
