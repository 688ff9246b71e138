"""FreeSWITCH: `mod_json_cdr` files, and `mod_cdr_csv` rows by the template of the switch's configuration.
Pure."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from tideng.calls.readers.origin import Origin, Outcome, Row, call, cells, moment, refused, whole
from tideng.calls.records import RAW_BYTES_MAX, Refused

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")


def read_json(rows: Iterable[Row], origin: Origin) -> Iterator[Outcome]:
    """One call per JSON document and row. The B leg's file tells the same call again and is left out by its
    bridge."""
    bridged: set[str] = set()
    for row in rows:
        if len(row.raw) > RAW_BYTES_MAX:
            yield refused("too_long_row", origin, row)
            continue
        try:
            document: Any = msgspec.json.decode(row.raw)  # Any: foreign JSON
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield refused("torn_row", origin, row)
            continue
        variables = document.get("variables") if isinstance(document, dict) else None
        if not isinstance(variables, dict):
            yield refused("not_a_call", origin, row)
            continue
        said = {str(key): unquote(str(value)) for key, value in variables.items()}
        uuid = said.get("uuid", "")
        if uuid and uuid in bridged:
            continue
        if said.get("bridge_uuid"):
            bridged.add(said["bridge_uuid"])
        profile = _profile(document)
        yield _call(said | {k: v for k, v in profile.items() if not said.get(k)}, row, origin)


def read_csv(rows: Iterable[Row], origin: Origin, template: str) -> Iterator[Outcome]:
    """Rows written by `template`, as it stands in cdr_csv.conf.xml: its ${…} name the columns."""
    names = [(_VARIABLE.findall(cell) or [""])[0] for cell in next(csv.reader([template]))]
    for row in rows:
        values = cells(row, origin)
        if isinstance(values, Refused):
            yield values
        elif len(values) != len(names):
            yield refused("torn_row", origin, row)
        else:
            yield _call(dict(zip(names, values, strict=True)), row, origin)


def _profile(document: dict[str, Any]) -> dict[str, str]:  # Any: foreign JSON
    try:
        profile = document["callflow"][0]["caller_profile"]
        return {str(k): str(v) for k, v in profile.items() if isinstance(v, str | int)}
    except (KeyError, IndexError, TypeError, AttributeError):
        return {}


def _first(said: dict[str, str], *names: str) -> str:
    return next((said[name] for name in names if said.get(name)), "")


def _call(said: dict[str, str], row: Row, origin: Origin) -> Outcome:
    start = moment(_first(said, "start_epoch", "start_stamp"), origin.zone)
    if start is None:
        return refused("unreadable_start", origin, row)
    billsec, duration = whole(said.get("billsec") or "0"), whole(said.get("duration") or "0")
    if billsec is None or duration is None:
        return refused("unreadable_duration", origin, row)
    answer = said.get("answer_epoch", "") or said.get("answer_stamp", "")
    answered = billsec > 0 or answer not in ("", "0")
    return call(
        origin,
        [row],
        call_id=_first(said, "uuid", "sip_call_id"),
        caller=_first(said, "caller_id_number", "sip_from_user", "ani"),
        callee=_first(said, "destination_number", "sip_to_user", "dialed_user"),
        start_s=start,
        ring_s=duration - billsec,
        talk_s=billsec,
        answered=answered,
        cause=_first(said, "hangup_cause_q850", "hangup_cause"),
        trunk=_first(said, "sip_gateway_name", "sip_network_ip"),
    )
