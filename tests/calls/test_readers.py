"""Every format becomes the same kind of record; what cannot is put aside with its reason."""

import io
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tideng.calls.numbers import to_e164
from tideng.calls.readers import asterisk, ber, cucm, freeswitch, kamailio, operator
from tideng.calls.readers.formats import Format, FormatUnknown, guess, read
from tideng.calls.readers.origin import Origin, Row, moment, text_rows
from tideng.calls.records import CallRecord, Refused

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "data" / "calls" / "formats"
HERE = Origin(name="file", area="021")
shared = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not on this machine")


def lines(*rows: str) -> list[Row]:
    return [*text_rows("\n".join(rows).encode())]


def leg(**said: object) -> str:
    usual: dict[str, object] = {
        "accountcode": "", "src": "02155501234", "dst": "13800001111", "dcontext": "c", "clid": '""a"" <1>',
        "channel": "x", "dstchannel": "t1", "lastapp": "Dial", "lastdata": "", "start": "2026-03-02 14:00:00",
        "answer": "", "end": "2026-03-02 14:00:20", "duration": 20, "billsec": 0, "disposition": "NO ANSWER",
        "amaflags": "DOC", "uniqueid": "u1", "userfield": "",
    }  # fmt: skip
    return ",".join(f'"{str(v).replace(chr(34), chr(34) * 2)}"' for v in (usual | said).values())


def only(outcomes: object) -> CallRecord:
    [one] = [*outcomes]  # type: ignore[call-overload]
    assert isinstance(one, CallRecord), one
    return one


def reasons(outcomes: object) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, Refused)]  # type: ignore[attr-defined]


def test_asterisk_legs_of_one_call_are_one_record() -> None:
    taken = leg(
        answer="2026-03-02 14:00:20",
        end="2026-03-02 14:01:00",
        duration=60,
        billsec=40,
        disposition="ANSWERED",
    )
    call = only(asterisk.read(lines(leg(), taken), HERE))
    assert (call.caller, call.callee) == ("862155501234", "8613800001111")
    assert (call.ring_s, call.talk_s, call.answered) == (20, 40, True)
    assert call.start_s == 1772431200  # 14:00 in Shanghai is 06:00 UTC


def test_asterisk_rows_that_contradict_themselves_are_put_aside() -> None:
    bad = [
        leg(uniqueid="a", end="2026-03-02 12:00:00"),
        leg(uniqueid="b", duration=-5),
        leg(uniqueid="c", start="yesterday"),
        leg(uniqueid="d", billsec="many"),
        leg(uniqueid="e", src=""),
        '"only","three","columns"',
    ]
    assert reasons(asterisk.read(lines(*bad), HERE)) == [
        "reversed_times", "negative_duration", "unreadable_start", "unreadable_duration", "torn_row",
        "missing_caller",
    ]  # fmt: skip


def test_a_naive_time_is_read_in_the_zone_that_was_given() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("2026-03-29 01:59:59", berlin) == moment("2026-03-29 00:59:59+00:00", berlin)
    assert moment("2026-10-25 02:30:00", berlin) == moment(
        "2026-10-25T00:30:00+00:00", berlin
    )  # the earlier of two
    assert moment("20260302140000", ZoneInfo("Asia/Shanghai")) == 1772431200


@shared
def test_the_real_asterisk_file_is_read_whole() -> None:
    raw = (SAMPLES / "asterisk" / "cdr.csv").read_bytes()
    assert guess(raw) == "asterisk"
    calls = [*asterisk.read(text_rows(raw), HERE)]
    assert all(isinstance(call, CallRecord) for call in calls)
    assert len(calls) == len({call.call_id for call in calls if isinstance(call, CallRecord)}) > 100


@shared
def test_the_real_freeswitch_record_is_read() -> None:
    raw = (SAMPLES / "freeswitch" / "json_cdr_cgrates.json").read_bytes()
    call = only(read(raw, "auto", HERE))
    assert (call.caller, call.callee, call.ring_s, call.talk_s, call.cause) == ("1001", "1002", 3, 68, "16")


@shared
def test_the_cucm_layout_is_read() -> None:
    call = only(read((SAMPLES / "cucm" / "cdr_fixture.csv").read_bytes(), "auto", HERE))
    assert (call.caller, call.callee, call.start_s, call.ring_s, call.talk_s) == (
        "7001",
        "7002",
        1693900000,
        5,
        15,
    )


def test_the_second_leg_of_a_freeswitch_call_is_the_same_call() -> None:
    a = {"variables": {"uuid": "A", "bridge_uuid": "B", "caller_id_number": "02155501234", 
                       "destination_number": "110",
                       "start_epoch": "1772431200", "answer_epoch": "1772431205", "duration": "25",
                       "billsec": "20"}}  # fmt: skip
    b = {"variables": {**a["variables"], "uuid": "B", "bridge_uuid": "A"}}
    rows = [Row(0, json.dumps(a).encode()), Row(1, json.dumps(b).encode()), Row(2, b'{"cut')]
    outcomes = [*freeswitch.read_json(rows, HERE)]
    assert [type(one) for one in outcomes] == [CallRecord, Refused]


def test_a_freeswitch_template_names_the_columns() -> None:
    template = (
        '"${caller_id_number}","${destination_number}","${start_stamp}","${duration}","${billsec}","${uuid}"'
    )
    row = '"02155501234","13800001111","2026-03-02 14:00:00","30","21","x"'
    call = only(freeswitch.read_csv(lines(row), HERE, template))
    assert (call.ring_s, call.talk_s, call.answered) == (9, 21, True)


def test_kamailio_transactions_are_joined() -> None:
    rows = lines(
        "method,from_tag,to_tag,callid,sip_code,sip_reason,time,src_user,dst_user",
        "INVITE,f,t,c1,200,OK,2026-03-02 14:00:08,02155501234,13800001111",
        "BYE,t,f,c1,200,OK,2026-03-02 14:01:08,13800001111,02155501234",
        "INVITE,f2,,c2,486,Busy,2026-03-02 14:02:00,02155501234,13800002222",
        "BYE,x,y,c3,200,OK,2026-03-02 14:03:00,1,2",
    )
    outcomes = [*kamailio.read(rows, HERE)]
    first, busy, lonely = outcomes
    assert isinstance(first, CallRecord)
    assert isinstance(busy, CallRecord)
    assert (first.talk_s, first.answered, busy.answered, busy.cause) == (60, True, False, "486")
    assert isinstance(lonely, Refused)
    assert lonely.reason == "not_a_call"


def test_a_kamailio_dialog_is_one_row() -> None:
    rows = lines(
        "start_time,end_time,duration,callid,src_user,dst_user",
        "2026-03-02 14:00:00,2026-03-02 14:00:42,41.7,c,02155501234,110",
    )
    assert only(kamailio.read(rows, HERE)).talk_s == 41


def test_an_unanswered_cucm_call_has_no_talk_and_a_quality_record_is_no_call() -> None:
    head = "cdrRecordType,globalCallID_callManagerId,globalCallID_callId,dateTimeOrigination,"
    head += "dateTimeConnect,dateTimeDisconnect,duration,callingPartyNumber,finalCalledPartyNumber"
    outcomes = [
        *cucm.read(
            lines(
                head, "INTEGER,INTEGER", "1,1,7,1772431200,0,1772431230,0,7001,02155501234", "2,1,7,0,0,0,0,,"
            ),
            HERE,
        )
    ]
    assert reasons(outcomes) == ["not_a_call"]
    call = next(one for one in outcomes if isinstance(one, CallRecord))
    assert (call.answered, call.ring_s, call.talk_s, call.callee) == (False, 30, 0, "862155501234")


def test_a_mapping_reads_an_operators_own_columns() -> None:
    columns = operator.mapping(
        b'caller="msisdn"\ncallee="other_party"\nstart="start_datetime"\nend="end_datetime"\n'
        b'direction="call_event"\nincoming=["call_dst"]\n'
    )
    rows = lines(
        "msisdn,other_party,call_event,start_datetime,end_datetime",
        "55501234,13800001111,call_dst,20260302140000,20260302140040",
    )
    call = only(operator.read(rows, HERE, columns))
    assert (call.caller, call.callee, call.talk_s) == ("8613800001111", "862155501234", 40)


OWN = operator.mapping(
    b'caller="msisdn"\ncallee="other_party"\nstart="began"\nduration_s="seconds"\nanswered="picked_up"\n'
)


def table(**columns: list[object]) -> bytes:
    into = io.BytesIO()
    pq.write_table(pa.table(columns), into, row_group_size=2)
    return into.getvalue()


def test_an_operators_parquet_is_read_by_the_same_mapping_as_its_csv() -> None:
    rows = lines(
        "msisdn,other_party,began,seconds,picked_up,cell",
        "55501234,13800001111,2026-03-02 14:00:00,40,true,7",
        "55501234,13800002222,2026-03-02 14:01:00,0,false,7",
        "55501234,13800003333,nonsense,0,false,7",
    )
    began = [datetime(2026, 3, 2, 14, 0), datetime(2026, 3, 2, 14, 1), None]
    raw = table(
        msisdn=[55501234, 55501234, 55501234],
        other_party=["13800001111", "13800002222", "13800003333"],
        began=began,
        seconds=[40.0, 0.0, None],
        picked_up=[True, False, None],
        cell=[7, 7, 7],
    )
    assert guess(raw) == "operator"

    def told(outcomes: Iterable[CallRecord | Refused]) -> list[object]:
        return [
            one.reason
            if isinstance(one, Refused)
            else (one.caller, one.callee, one.start_s, one.talk_s, one.answered)
            for one in outcomes
        ]

    assert told(read(raw, "operator", HERE, columns=OWN)) == told(operator.read(rows, HERE, OWN))
    first, again = (list(read(raw, "operator", HERE, columns=OWN)) for _ in range(2))
    assert first == again
    assert [one.offset for one in first] == [0, 1, 2]


def test_zoned_timestamps_keep_their_zone() -> None:
    began = [datetime(2026, 3, 2, 6, 0, tzinfo=UTC)]
    raw = table(msisdn=["1"], other_party=["2"], began=began, seconds=[1], picked_up=[1])
    call = only(read(raw, "operator", HERE, columns=OWN))
    assert call.start_s == int(began[0].timestamp())


@given(st.data())
def test_a_damaged_parquet_is_put_aside_and_never_raises(data: st.DataObject) -> None:
    raw = table(
        msisdn=["1"] * 5, other_party=["2"] * 5, began=[1_770_000_000] * 5, seconds=[1] * 5, picked_up=[1] * 5
    )
    cut = data.draw(st.integers(4, len(raw) - 1))
    outcomes = list(read(raw[:cut], "operator", HERE, columns=OWN))
    assert [one.reason for one in outcomes if isinstance(one, Refused)] == ["torn_row"]


@given(st.data())
def test_flipped_octets_of_a_parquet_never_raise(data: st.DataObject) -> None:
    raw = bytearray(
        table(
            msisdn=["1"] * 9,
            other_party=["2"] * 9,
            began=[1_770_000_000] * 9,
            seconds=[1] * 9,
            picked_up=[1] * 9,
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(4, len(raw) - 5))] = data.draw(st.integers(0, 255))
    with suppress(operator.MappingInvalid):
        list(read(bytes(raw), "operator", HERE, columns=OWN))


@pytest.mark.parametrize("odd", ["inf", "nan", "-inf", "1e400", "x"])
def test_a_duration_that_is_no_number_of_seconds_is_put_aside(odd: str) -> None:
    rows = lines("caller,callee,start,ring_s,duration_s,answered", f"1,2,1770000000,0,{odd},1")
    kamailio_rows = lines("callid,caller,callee,start_time,duration", f"a,1,2,1770000000,{odd}")
    for outcome in (*operator.read(rows, HERE), *kamailio.read(kamailio_rows, HERE)):
        assert isinstance(outcome, Refused)
        assert outcome.reason == "unreadable_duration"


def test_a_parquet_without_the_columns_says_what_it_has() -> None:
    with pytest.raises(operator.MappingInvalid, match="no column msisdn, other_party, began; it has a, b"):
        list(read(table(a=[1], b=[2]), "operator", HERE, columns=OWN))


def test_a_mapping_that_names_what_is_not_there_says_so() -> None:
    with pytest.raises(operator.MappingInvalid, match="no column"):
        [*operator.read(lines("a,b"), HERE)]
    with pytest.raises(operator.MappingInvalid):
        operator.mapping(b'caller = "a"\nwhom = "b"')


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("5550 1234", "862155501234"), ("021-55501234", "862155501234"), ("+86 21 5550 1234", "862155501234"),
        ("13800001111", "8613800001111"), ("110", "110"), ("8001", "8001"), ("anonymous", ""), ("", ""),
        ("sip:7001@10.0.0.1", "7001"),
    ],
)  # fmt: skip
def test_numbers_become_e164_by_the_lines_area(raw: str, e164: str) -> None:
    assert to_e164(raw, "021") == e164


def tlv(tag: int, value: bytes, *, constructed: bool = False) -> bytes:
    first = 0x80 | (0x20 if constructed else 0)
    head = (
        bytes([first | tag])
        if tag < 31
        else bytes([first | 31, tag])
        if tag < 128
        else bytes([first | 31, 0x80 | tag >> 7, tag & 127])
    )
    length = bytes([len(value)]) if len(value) < 128 else b"\x82" + len(value).to_bytes(2, "big")
    return head + length + value


def bcd(digits: str, ton: int = 2) -> bytes:
    padded = digits + "f" * (len(digits) % 2)
    return bytes([0x80 | ton << 4 | 1]) + bytes(
        int(padded[i + 1] + padded[i], 16) for i in range(0, len(padded), 2)
    )


def stamp(text: str) -> bytes:
    return bytes.fromhex(text) + b"+" + bytes.fromhex("0800")


def moc(reference: bytes, talk: int, *, answered: bool = True) -> bytes:
    fields = tlv(0, b"\0") + tlv(3, bcd("862155501234", 1)) + tlv(5, bcd("13800001111"))
    fields += tlv(22, stamp("260302140000"))
    if answered:
        fields += tlv(23, stamp("260302140007"))
    fields += (
        tlv(24, stamp("260302150000"))
        + tlv(25, talk.to_bytes(2, "big"))
        + tlv(30, b"\0")
        + tlv(32, reference)
    )
    return tlv(0, fields, constructed=True)


def test_partial_ber_records_are_one_call_and_padding_is_skipped() -> None:
    raw = (
        moc(b"\1\2", 1800)
        + b"\xff\xff"
        + moc(b"\1\2", 600)
        + moc(b"\1\3", 0, answered=False)
        + tlv(6, b"x", constructed=True)
    )
    assert guess(raw) == "ber"
    outcomes = [*ber.read(raw, HERE)]
    calls = [one for one in outcomes if isinstance(one, CallRecord)]
    assert [(c.caller, c.callee, c.ring_s, c.talk_s, c.answered) for c in calls] == [
        ("862155501234", "8613800001111", 7, 2400, True), ("862155501234", "8613800001111", 3600, 0, False),
    ]  # fmt: skip
    assert calls[0].start_s == 1772431200
    assert reasons(outcomes) == ["not_a_call"]


def test_a_gateway_record_is_read() -> None:
    fields = (
        tlv(1, bcd("02155501234"))
        + tlv(2, bcd("13800001111"))
        + tlv(6, stamp("260302140000"))
        + tlv(7, stamp("260302140005"))
    )
    call = only(
        ber.read(tlv(4, fields + tlv(8, stamp("260302140105")) + tlv(9, b"\x3c"), constructed=True), HERE)
    )
    assert (call.caller, call.ring_s, call.talk_s) == ("862155501234", 5, 60)


@given(st.integers(1, 400))
def test_cut_off_ber_loses_nothing_before_the_cut(kept: int) -> None:
    whole = moc(b"\1\1", 10) + moc(b"\1\2", 20) + moc(b"\1\3", 30)
    outcomes = [*ber.read(whole[:kept], HERE)]
    calls = sum(isinstance(one, CallRecord) for one in outcomes)
    assert calls == min(3, kept * 3 // len(whole))
    assert reasons(outcomes) == ([] if kept >= len(whole) or kept % (len(whole) // 3) == 0 else ["truncated"])


@given(st.binary(max_size=300))
def test_noise_is_refused_never_raised(noise: bytes) -> None:
    for format in ("ber", "asterisk", "freeswitch-json", "kamailio", "cucm"):
        for one in read(noise, format, HERE):  # type: ignore[arg-type]
            assert isinstance(one, Refused | CallRecord)
    with suppress(FormatUnknown):
        guess(noise)


def test_other_encodings_and_endless_lines() -> None:
    good = leg(dcontext="上海")
    outcomes = [
        *asterisk.read(
            [Row(0, good.encode("gb18030")), Row(1, b"\xff\xff\xff"), Row(2, b"x" * 1_000_001)], HERE
        )
    ]
    assert reasons(outcomes) == ["unreadable_encoding", "too_long_row"]
    assert sum(isinstance(one, CallRecord) for one in outcomes) == 1


@pytest.mark.parametrize("format", ["asterisk", "freeswitch-csv", "kamailio", "cucm", "operator"])
def test_every_csv_reader_puts_the_same_rows_aside_for_the_same_reasons(format: Format) -> None:
    heads = {
        "kamailio": b"callid,start_time,duration,caller_id,callee_id\n",
        "cucm": b"cdrRecordType,globalCallID_callId,dateTimeOrigination\n",
        "operator": b"caller,callee,start\n",
    }
    raw = heads.get(format, b"") + b"\xff\xff\xff\n" + b"x" * 1_000_001 + b'\n"a"b",c\n'
    outcomes = [*read(raw, format, HERE, template='"${uuid}","${start_stamp}"')]
    assert reasons(outcomes) == ["unreadable_encoding", "too_long_row", "torn_row"]
