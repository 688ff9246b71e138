"""Tables of subscriber aggregates: read from CSV, absent columns and cells are unknown, ratios are added.
Pure.

Columns are named as in the aggregates of the "Digital Sichuan 2020" contest. Everything works with fewer: an
absent column is a column of unknowns, and what is derived from unknowns is unknown.
"""

import csv
import math
from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LABEL: Final = "label"
IDENTIFIERS: Final = ("phone_no_m", "id", "subscriber", "line", "")
ROWS_MAX: Final = 5_000_000
COLUMNS: Final = (
    "opposite_count", "opposite_unique", "voccalltype1", "imeis", "voc_calltype1", "city_name_call",
    "county_name_call", "phone2opposite_mean", "phone2opposite_median", "phone2opposite_max",
    "phone2oppo_sum_mean", "phone2oppo_sum_median", "phone2oppo_sum_max", "call_dur_mean", "call_dur_median",
    "call_dur_max", "call_dur_min", "city_name_nunique", "county_name_nunique", "calltype_id_unique",
    "voc_hour_mode", "voc_hour_mode_count", "voc_hour_nunique", "voc_day_mode", "voc_day_mode_count",
    "voc_day_nunique", "sms_count", "sms_nunique", "sms_rate", "calltype_2", "calltype_rate", "hour_mode",
    "hour_mode_count", "hour_nunique", "day_mode", "day_mode_count", "day_nunique", "busi_count", "flow_mean",
    "flow_median", "flow_min", "flow_max", "flow_var", "flow_sum", "month_ids", "flow_month", "arpu_mean",
    "arpu_var", "arpu_max", "arpu_min", "arpu_median", "arpu_sum", "arpu_skew", "arpu_sem", "arpu_quantile",
)  # fmt: skip
RATIOS: Final = {
    # What a person's telephone does in proportion, whatever the size of the bill.
    "out_share": ("voccalltype1", "opposite_count"),
    "callees_per_call": ("opposite_unique", "opposite_count"),
    "calls_per_day": ("opposite_count", "voc_day_nunique"),
    "callees_per_day": ("opposite_unique", "voc_day_nunique"),
    "calls_per_month": ("opposite_count", "month_ids"),
    "hour_peak": ("voc_hour_mode_count", "opposite_count"),
    "day_peak": ("voc_day_mode_count", "opposite_count"),
    "sms_hour_peak": ("hour_mode_count", "sms_count"),
    "sms_day_peak": ("day_mode_count", "sms_count"),
    "sms_per_call": ("sms_count", "opposite_count"),
    "sms_per_day": ("sms_count", "day_nunique"),
    "sms_per_month": ("sms_count", "month_ids"),
    "sms_senders_per_callee": ("sms_nunique", "opposite_unique"),
    "devices_per_month": ("imeis", "month_ids"),
    "devices_per_call": ("imeis", "opposite_count"),
    "usual_duration": ("call_dur_median", "call_dur_mean"),
    "longest_duration": ("call_dur_max", "call_dur_mean"),
    "one_contact_share": ("phone2opposite_max", "opposite_count"),
    "counties_per_call": ("county_name_nunique", "opposite_count"),
    "counties_per_device": ("county_name_nunique", "imeis"),
    "days_of_calls_and_sms": ("voc_day_nunique", "day_nunique"),
    "hours_of_calls_and_sms": ("voc_hour_nunique", "hour_nunique"),
    "bill_per_month": ("arpu_sum", "month_ids"),
    "data_per_app": ("flow_sum", "busi_count"),
    "data_per_bill": ("flow_sum", "arpu_sum"),
    "calls_per_bill": ("opposite_count", "arpu_sum"),
    "bill_months": ("arpu_sum", "arpu_mean"),
    "data_rows": ("flow_sum", "flow_mean"),
}  # fmt: skip
FEATURES: Final = (
    *COLUMNS,
    *RATIOS,
    "talk_total",
    "bill_spread",
    "bill_range",
    "data_spread",
    "incoming",
    "unknown",
)


class TableInvalid(ValueError):
    """A table of aggregates cannot be used. The message says why."""


class Aggregates(Struct, frozen=True, kw_only=True):
    """One row a subscriber."""

    names: tuple[str, ...]
    values: Floats
    """Columns as in `COLUMNS`; NaN is unknown."""
    labels: NDArray[np.int64] | None
    absent: tuple[str, ...]
    """Columns the file did not have."""
    unread: int
    """Cells that were neither empty nor numbers; they count as unknown."""


def read(lines: Iterable[str], *, labelled: bool) -> Aggregates:
    """A table with a header. Raises `TableInvalid`."""
    rows = csv.reader(lines)
    header = [name.strip() for name in next(rows, [])]
    present = [name for name in COLUMNS if name in header]
    if not present:
        raise TableInvalid(
            f"none of the known columns is there; at least one of {', '.join(COLUMNS[:6])} … is needed"
        )
    if labelled and LABEL not in header:
        raise TableInvalid(f"there is no column {LABEL!r} to learn from (0 honest, 1 fraudster)")
    identifier = next((header.index(name) for name in IDENTIFIERS if name in header), None)
    at = {name: header.index(name) for name in present}
    names, values, labels, unread = [], [], [], 0
    for number, row in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise TableInvalid(f"more than {ROWS_MAX:,} rows; split the file")
        if not any(cell.strip() for cell in row):
            continue
        cells = [_number(row[at[name]] if name in at and at[name] < len(row) else "") for name in COLUMNS]
        unread += sum(cell is None for cell in cells)
        values.append([math.nan if cell is None else cell for cell in cells])
        names.append(row[identifier] if identifier is not None and identifier < len(row) else str(number))
        if labelled:
            labels.append(_label(row[header.index(LABEL)] if header.index(LABEL) < len(row) else "", number))
    return Aggregates(
        names=tuple(names),
        values=np.array(values, np.float64).reshape(-1, len(COLUMNS)),
        labels=np.array(labels, np.int64) if labelled else None,
        absent=tuple(name for name in COLUMNS if name not in at),
        unread=unread,
    )


def _number(cell: str) -> float | None:
    if not cell.strip():
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _label(cell: str, number: int) -> int:
    try:
        value = float(cell)
    except ValueError:
        value = -1
    if value not in (0, 1):
        raise TableInvalid(f"row {number}: the label is neither 0 nor 1")
    return int(value)


def features(values: Floats) -> Floats:
    """Columns as in `FEATURES`: what was given, ratios and differences of it; unknown where a part is
    unknown."""
    column = dict(zip(COLUMNS, values.T, strict=True))
    with np.errstate(all="ignore"):
        ratios = [column[a] / np.where(column[b] == 0, np.nan, column[b]) for a, b in RATIOS.values()]
        more = [
            column["call_dur_mean"] * column["opposite_count"],
            np.sqrt(column["arpu_var"]) / column["arpu_mean"],
            column["arpu_max"] - column["arpu_min"],
            np.sqrt(column["flow_var"]) / column["flow_mean"],
            column["opposite_count"] - column["voccalltype1"],
            np.isnan(values).sum(axis=1).astype(np.float64),
        ]
    made = np.column_stack([values, *ratios, *more])
    made[~np.isfinite(made)] = np.nan
    return made
