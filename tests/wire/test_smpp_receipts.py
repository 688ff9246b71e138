"""What carriers call a delivery receipt, in all the forms they really send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tideng.gateway.wire.smpp import DataSm, DeliverSm, Tag, decode, encode
from tideng.gateway.wire.smpp.receipts import (
    IdDifference,
    Receipt,
    ReceiptState,
    format_receipt,
    id_forms,
    parse_receipt,
    receipt_tlvs,
)

RUNS = settings(max_examples=200, deadline=None, derandomize=True)
ALL: tuple[IdDifference, ...] = ("case", "zeros", "base")


def read(text: str | bytes, tlvs: tuple[tuple[int, bytes], ...] = (), *, esm_class: int = 4) -> Receipt:
    octets = text.encode("latin-1") if isinstance(text, str) else text
    receipt = parse_receipt(DeliverSm(esm_class=esm_class, short_message=octets, tlvs=tlvs))
    assert receipt is not None
    return receipt


TYPICAL = (
    "id:0123456789 sub:001 dlvrd:001 submit date:2611240101 done date:2611240102 "
    "stat:DELIVRD err:000 text:hello"
)


def test_the_typical_form() -> None:
    assert read(TYPICAL) == Receipt(
        "0123456789", ReceiptState.DELIVERED, True, "000", "2611240101", "2611240102", "hello", False
    )


@pytest.mark.parametrize(
    "text",
    [
        "ID:a1 SUB:001 DLVRD:001 SUBMIT DATE:x DONE DATE:y STAT:UNDELIV ERR:nul TEXT:",
        "stat:UNDELIV id:a1 err:nul",
        "err:nul, stat:undeliv, id:a1",
        "id: a1 stat: UNDELIVERABLE err: nul",
        "id :a1 stat :Undeliv err :nul",
        "id:a1\r\nstat:UNDELIV\r\nerr:nul\0",
        "Text:our words id:a1 stat:UNDELIV err:nul",
    ],
)
def test_other_orders_cases_and_gaps(text: str) -> None:
    receipt = read(text)
    assert (receipt.message_id, receipt.state, receipt.error) == ("a1", ReceiptState.UNDELIVERABLE, "nul")
    assert receipt.final


def test_dates_with_seconds_and_underscores() -> None:
    receipt = read("id:1 submit_date:261124010203 done_date:261124010204 stat:EXPIRED")
    assert (receipt.submitted_at, receipt.done_at) == ("261124010203", "261124010204")


def test_the_texts_own_words_do_not_speak_for_the_carrier() -> None:
    receipt = read("id:a1 stat:UNDELIV text:id:b2 stat:DELIVRD")
    assert (receipt.message_id, receipt.state) == ("a1", ReceiptState.UNDELIVERABLE)
    assert receipt.text == "id:b2 stat:DELIVRD"
    assert read("id:a1 text:stat:DELIVRD").state is ReceiptState.UNKNOWN


@pytest.mark.parametrize(
    ("word", "state", "final"),
    [
        ("ENROUTE", ReceiptState.ENROUTE, False),
        ("SCHEDULED", ReceiptState.SCHEDULED, False),
        ("DELIVRD", ReceiptState.DELIVERED, True),
        ("delivered", ReceiptState.DELIVERED, True),
        ("EXPIRED", ReceiptState.EXPIRED, True),
        ("DELETED", ReceiptState.DELETED, True),
        ("UNDELIV", ReceiptState.UNDELIVERABLE, True),
        ("ACCEPTD", ReceiptState.ACCEPTED, True),
        ("UNKNOWN", ReceiptState.UNKNOWN, True),
        ("REJECTD", ReceiptState.REJECTED, True),
        ("SKIPPED", ReceiptState.SKIPPED, True),
        ("MA:0006", ReceiptState.UNKNOWN, True),
    ],
)
def test_words_of_state(word: str, state: ReceiptState, final: bool) -> None:
    receipt = read(f"id:1 stat:{word} err:000")
    assert (receipt.state, receipt.final) == (state, final)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("id:1 stat:MA:0006 err:000", "MA:0006"),
        ("id:1 stat:mk:0012", "mk:0012"),
        ("id:1 stat:MA:0006 err:101", "101"),
        ("id:1 stat:UNDELIV err:000", "000"),
        ("id:1 stat:the subscriber's own words", "the"),
        ("id:1 stat:" + "A" * 99, "A" * 32),
    ],
)
def test_an_unknown_word_of_state_is_not_lost(text: str, error: str) -> None:
    assert read(text).error == error


def test_no_state_is_nothing_final() -> None:
    # The message would end as "unknown", and the report that says more would come too late.
    for receipt in (read("id:1 err:000"), read("", ((int(Tag.RECEIPTED_MESSAGE_ID), b"1\0"),))):
        assert (receipt.message_id, receipt.state, receipt.final) == ("1", ReceiptState.UNKNOWN, False)
    assert read("", ((int(Tag.MESSAGE_STATE), b"\7"),)).final


def test_tlvs_win_over_text() -> None:
    receipt = read(TYPICAL, ((int(Tag.RECEIPTED_MESSAGE_ID), b"tlv-id\0"), (int(Tag.MESSAGE_STATE), b"\5")))
    assert (receipt.message_id, receipt.state) == ("tlv-id", ReceiptState.UNDELIVERABLE)
    assert receipt.from_tlv
    assert receipt.error == "000"


@pytest.mark.parametrize("state", [b"", b"\2\2", b"\x0a", b"\xff"])
def test_a_senseless_state_tlv_leaves_the_text(state: bytes) -> None:
    receipt = read(TYPICAL, ((int(Tag.MESSAGE_STATE), state), (int(Tag.RECEIPTED_MESSAGE_ID), b"")))
    assert (receipt.message_id, receipt.state, receipt.from_tlv) == (
        "0123456789", ReceiptState.DELIVERED, False,
    )  # fmt: skip


def test_data_sm_carries_receipts_too() -> None:
    pdu = decode(encode(DataSm(sequence=1, esm_class=4, tlvs=receipt_tlvs("a1", ReceiptState.EXPIRED))))
    assert isinstance(pdu, DataSm)
    assert parse_receipt(pdu) == Receipt("a1", ReceiptState.EXPIRED, True, from_tlv=True)


def test_a_receipt_in_the_payload_and_in_ucs2() -> None:
    payload = DeliverSm(esm_class=4, tlvs=((int(Tag.MESSAGE_PAYLOAD), b"id:1 stat:DELIVRD"),))
    ucs2 = DeliverSm(esm_class=4, data_coding=8, short_message="id:1 stat:DELIVRD".encode("utf-16-be"))
    for pdu in (payload, ucs2):
        receipt = parse_receipt(pdu)
        assert receipt is not None
        assert (receipt.message_id, receipt.state) == ("1", ReceiptState.DELIVERED)


def test_an_intermediate_notification_is_never_final() -> None:
    assert not read(TYPICAL, esm_class=0x20).final


@pytest.mark.parametrize("text", ["", "hello", "your id: ", "\0\1\2"])
def test_no_receipt(text: str) -> None:
    assert parse_receipt(DeliverSm(esm_class=4, short_message=text.encode())) is None


ALMOST = st.from_regex(r"((id|stat|text|err|done date) ?:[^:]{0,9}){0,6}").map(
    lambda text: text.encode("latin-1", "replace")[:254]
)
TLVS = st.lists(st.tuples(st.sampled_from([0x1E, 0x427, 0x424]), st.binary(max_size=300)), max_size=3)


@RUNS
@given(st.binary(max_size=254) | ALMOST, TLVS.map(tuple), st.integers(0, 255))
def test_noise_never_raises(text: bytes, tlvs: tuple[tuple[int, bytes], ...], octet: int) -> None:
    receipt = parse_receipt(DeliverSm(esm_class=octet, data_coding=octet, short_message=text, tlvs=tlvs))
    if receipt is not None:
        assert len(receipt.message_id) <= 255
        assert receipt.final is False or receipt.state > 1


@pytest.mark.parametrize("state", ReceiptState)
def test_what_we_write_we_read(state: ReceiptState) -> None:
    octets = format_receipt(
        "7f00-1", state, error="12", submitted_at="2611240101", done_at="2611240102", text="你好 " + "x" * 40
    )
    receipt = read(octets)
    assert (receipt.message_id, receipt.state) == ("7f00-1", state)
    assert receipt.final is (state not in (ReceiptState.ENROUTE, ReceiptState.SCHEDULED))
    assert (receipt.error, receipt.submitted_at, receipt.done_at) == ("012", "2611240101", "2611240102")
    assert len(receipt.text) == 40
    assert len(octets) < 255
    assert read(octets, receipt_tlvs("7f00-1", state)).from_tlv


def test_appendix_b_word_for_word() -> None:
    assert format_receipt("1", ReceiptState.DELIVERED, submitted_at="2611240101", done_at="2611240102") == (
        b"id:1 sub:001 dlvrd:001 submit date:2611240101 done date:2611240102 stat:DELIVRD err:000 text:"
    )


# --- ids ---------------------------------------------------------------------------------------------------


def meet(one: str, other: str, *allowed: str) -> bool:
    """Two ids may mean the same message."""
    return bool(set(id_forms(one, allowed)) & set(id_forms(other, allowed)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("response", "report", "needs"),
    [
        ("abc", "abc", ()),
        ("ABC1", "abc1", ("case",)),
        ("000123", "123", ("zeros",)),
        ("00AB", "ab", ("case", "zeros")),
        ("7b", "123", ("base",)),
        ("123", "7B", ("base",)),
        ("0000007B", "123", ("base",)),
        ("1A2B3C4D5E", "112394521950", ("base",)),
    ],
)
def test_how_ids_differ(response: str, report: str, needs: tuple[str, ...]) -> None:
    assert meet(response, report, *needs)
    for left_out in needs:
        assert not meet(response, report, *(one for one in needs if one != left_out))


def test_no_id_is_not_the_id_0() -> None:
    assert list(id_forms("", ALL)) == [""]
    assert not meet("", "000", *ALL)


def test_a_uuid_survives() -> None:
    # Jasmin upper-cases ids and strips zeros: 0e999f21-… was lost.
    uuid = "0e999f21-0a3c-4a52-9c6f-0d0f7a3a9c11"
    assert next(iter(id_forms(uuid, ALL))) == uuid
    assert not meet(uuid, uuid[1:])
    assert not meet(uuid, "1" + uuid[1:], *ALL)


@RUNS
@given(st.text(max_size=300), st.sets(st.sampled_from(ALL)))
def test_forms_come_exact_first_and_once(message_id: str, allowed: set[str]) -> None:
    forms = list(id_forms(message_id, allowed))  # type: ignore[arg-type]
    assert forms[0] == message_id
    assert len(forms) == len(set(forms)) <= 5


@RUNS
@given(st.text("0123456789abcdefABCDEF", max_size=12))
def test_without_leave_only_the_exact_form(message_id: str) -> None:
    assert list(id_forms(message_id, ())) == [message_id]
