"""Make a whole world: ordinary lines, shocks, boxes, one call at a time, record noise, order of arrival."""

from typing import Literal

import numpy as np

from tideng.calls.worlds import dev_benign, dev_fraud, held_benign, held_fraud
from tideng.calls.worlds.traffic import (
    EPOCH_S,
    LINE_BASE,
    Column,
    Ints,
    Traffic,
    World,
    in_order_of_arrival,
    noise,
    one_call_at_a_time,
)

Family = Literal["dev", "held"]


def make(
    family: Family, seed: int, *, lines: int, days: int, boxes: int, quiet_days: int = 7, first_line: int = 0
) -> World:
    """The same arguments give the same world. No box begins before `quiet_days` have passed."""
    rng = np.random.default_rng([seed, 0 if family == "dev" else 1])
    benign, fraud = (dev_benign, dev_fraud) if family == "dev" else (held_benign, held_fraud)
    traffic = Traffic()
    town = benign.habits(rng, seed)
    kinds = benign.draw_archetypes(rng, lines)
    is_new = np.isin(kinds, list(benign.NEW))
    born = np.where(is_new, rng.integers(1, max(2, days - 2), lines), 0)
    benign.everyday(rng, traffic, kinds, days, town, born)
    benign.shocks(rng, traffic, kinds, days, town)
    truth = fraud.place(rng, traffic, kinds, days, town, boxes, quiet_days)
    columns: list[Column] = list(traffic.columns())
    # The owner is told to leave the telephone alone; most do.
    hushed = np.zeros(len(columns[0]), bool)
    for box in truth:
        if box.kind != "superimposed" and rng.random() < 0.75:
            mine = (columns[0] == LINE_BASE + box.line) & ~columns[6]
            hushed |= mine & (columns[2] >= box.start) & (columns[2] <= box.stop)
    inside = (columns[2] >= EPOCH_S) & (columns[2] < EPOCH_S + days * 86_400)
    columns = [column[inside & ~hushed] for column in columns]
    channels = np.where(np.isin(kinds, list(benign.MULTI)), 8, 1)
    columns = one_call_at_a_time(columns, lines, channels)
    columns = noise(columns, rng, lost=float(rng.uniform(0.001, 0.02)), doubled=float(rng.uniform(0, 0.01)))
    columns = in_order_of_arrival(columns)
    classes = np.where(np.isin(kinds, list(benign.BUSINESS)), 1, np.where(is_new, 2, 0)).astype(np.int8)
    return World(
        name=f"{family}-{seed}",
        lines=lines,
        days=days,
        first_line=first_line,
        caller=_moved(columns[0], lines, first_line),
        callee=_moved(columns[1], lines, first_line),
        start=columns[2],
        ring_s=columns[3],
        duration_s=columns[4],
        answered=columns[5],
        by_box=columns[6],
        classes=classes,
        archetype=kinds.astype(np.int16),
        archetypes=benign.ARCHETYPES,
        boxes=truth,
    )


def _moved(number: Ints, lines: int, first_line: int) -> Ints:
    return np.where((number >= LINE_BASE) & (number < LINE_BASE + lines), number + first_line, number)
