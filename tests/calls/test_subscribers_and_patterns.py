"""Subscribers by their aggregates; harmful patterns of a day; shards; webhooks."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tideng.calls.announcing import RETRY_FIRST_S, WebhookAnnouncer
from tideng.calls.cases import Visit
from tideng.calls.features.definition import IN, OUT
from tideng.calls.features.patterns import patterns_of
from tideng.calls.records import CallRecord
from tideng.calls.sharding import MemoryStream, StreamFull, route, shard_of
from tideng.calls.subscribers.aggregates import COLUMNS, FEATURES, TableInvalid, features, read
from tideng.calls.subscribers.model import ModelInvalid, auc, decode
from tideng.cli.main import app


def table(path: Path, rows: int, columns: tuple[str, ...], *, seed: int, labelled: bool = True) -> Path:
    """Fraudsters call more numbers once, with more devices; some cells are unknown."""
    rng = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone_no_m", *columns, *(["label"] if labelled else [])])
        for number in range(rows):
            label = int(rng.random() < 0.33)
            values = {name: rng.gamma(2, 10) for name in columns}
            values["opposite_count"] = rng.gamma(3, 60)
            values["opposite_unique"] = (
                values["opposite_count"] * rng.uniform(0.6, 1) if label else rng.gamma(2, 10)
            )
            values["imeis"] = 1 + rng.poisson(2 * label)
            cells = ["" if rng.random() < 0.05 else f"{values[name]:.4f}" for name in columns]
            writer.writerow([f"s{number}", *cells, *([label] if labelled else [])])
    return path


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["calls", "subscribers", *words])
    return done.exit_code, done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subscribers")
    columns = ("opposite_count", "opposite_unique", "imeis", "call_dur_mean")
    out = folder / "model.json"
    code, said = run(
        "train",
        str(table(folder / "a.csv", 400, columns, seed=1)),
        "--out",
        str(out),
        "--json",
        "--effort",
        "0.05",
    )
    assert code == 0
    quality = json.loads(said)["quality"]
    assert quality["auc"] > 0.9
    assert 0 <= quality["recall_at_1_permille"] <= quality["recall_at_1_percent"] <= 1
    return out


def test_a_model_scores_rows_it_never_saw(trained: Path, tmp_path: Path) -> None:
    columns = ("imeis", "opposite_unique", "opposite_count")
    path = table(tmp_path / "b.csv", 300, columns, seed=2)
    code, said = run("score", str(path), "--model", str(trained), "--json")
    assert code == 0
    scored = [json.loads(line) for line in said.splitlines()]
    assert [one["id"] for one in scored] == [f"s{i}" for i in range(300)]
    labels = np.array([int(row["label"]) for row in csv.DictReader(path.read_text().splitlines())])
    assert auc(labels, np.array([one["score"] for one in scored])) > 0.85


def test_the_plain_trees_say_what_lightgbm_says(trained: Path) -> None:
    import lightgbm

    from tideng.calls.subscribers.model import _flat, _walk

    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 5))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = (np.nan_to_num(x[:, 0]) + rng.normal(size=300) > 0).astype(int)
    booster = lightgbm.train(
        {"verbose": -1, "objective": "binary", "num_threads": 1}, lightgbm.Dataset(x, y), 20
    )
    flat = _flat(booster.dump_model()["tree_info"])
    out = np.zeros(len(x))
    kinds = (np.int32, np.int32, float, bool, np.int32, np.int32, float)
    _walk(x, *(np.array(column, kind) for column, kind in zip(flat.values(), kinds, strict=True)), out)
    assert np.allclose(out, booster.predict(x, raw_score=True))
    assert decode(trained.read_bytes()).features == FEATURES


def test_what_is_no_table_or_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="none of the known"):
        read(["a,b", "1,2"], labelled=False)
    with pytest.raises(TableInvalid, match="label"):
        read(["imeis", "1"], labelled=True)
    with pytest.raises(TableInvalid, match="row 1"):
        read(["imeis,label", "1,maybe"], labelled=True)
    with pytest.raises(ModelInvalid):
        decode(b"[]")
    few = table(tmp_path / "few.csv", 20, ("imeis", "opposite_count", "opposite_unique"), seed=1)
    assert run("train", str(few), "--out", str(tmp_path / "m"))[0] == 2


def test_unknown_cells_stay_unknown_and_division_by_nothing_is_no_number() -> None:
    known = read(["phone_no_m,opposite_count,voccalltype1,sms_count", "a,0,5,x", "b,10,5,"], labelled=False)
    assert known.unread == 1
    made = dict(zip(FEATURES, features(known.values).T, strict=True))
    assert np.isnan(made["out_share"][0])
    assert made["out_share"][1] == 0.5
    assert made["unknown"][1] == len(COLUMNS) - 2


def day(**said: int) -> dict[str, int]:
    return {**dict.fromkeys((*OUT, *IN), 0), **said}


def test_patterns_of_a_day() -> None:
    quiet = day(calls=5, callees=4, answered=4, missed=1, ring_s=60, talk_s=400, hour_2=3, hour_4=2)
    one_ring = day(calls=300, callees=290, new_callees=280, missed=290, answered=10, ring_s=900, hour_2=300)
    sim_box = day(
        calls=90,
        callees=80,
        new_callees=40,
        answered=60,
        missed=30,
        ring_s=900,
        talk_s=9000,
        hour_2=30,
        hour_3=30,
        hour_4=30,
    )
    found = {
        name: [f.pattern for f in patterns_of("x", 1, d)]
        for name, d in (("q", quiet), ("o", one_ring), ("s", sim_box))
    }
    assert found == {"q": [], "o": ["one_ring", "bulk_calling"], "s": ["sim_box"]}


def record(caller: str, callee: str, n: int = 0) -> CallRecord:
    return CallRecord(
        call_id=str(n), caller=caller, callee=callee, start_s=n, ring_s=0, talk_s=0, answered=False
    )


def test_each_line_finds_all_its_records_in_its_shard_in_order() -> None:
    stream = MemoryStream(queue_max=100)
    records = [record(f"8621{i % 7}", f"8613{i % 11}", i) for i in range(60)]
    for shard, part in route(records, 4).items():
        stream.publish(shard, part)
    mine = [r for r in stream.take(shard_of("86213", 4), 100) if "86213" in (r.caller, r.callee)]
    assert [r.start_s for r in mine] == [i for i in range(60) if i % 7 == 3]
    with pytest.raises(StreamFull):
        stream.publish(0, records + records)


def test_a_webhook_is_tried_again_until_it_is_taken(tmp_path: Path) -> None:
    clock = [1000]
    teller = WebhookAnnouncer(tmp_path / "told.db", b"secret", lambda: clock[0])
    visit = Visit(
        id="a", line="8621", opened_at=1, tier="suspend", calls_placed=3, first_call_at=5, alarm_at=9,
        score=6.0,
        threshold=5.0, reasons=(), opening="ff" * 32, owner="王", address="somewhere",
    )  # fmt: skip
    teller.announce(visit)
    teller.announce(visit)
    bodies: list[bytes] = []

    def post(status: int):  # type: ignore[no-untyped-def]
        def send(body: bytes, headers: dict[str, str]) -> int:
            bodies.append(body)
            assert headers["Tideng-Signature"].startswith("sha256=")
            return status

        return send

    assert teller.deliver(post(500)) == 0
    assert teller.deliver(post(200)) == 0, "not yet due"
    clock[0] += RETRY_FIRST_S
    assert teller.deliver(post(200)) == 1
    assert (teller.deliver(post(200)), teller.waiting(), len(bodies)) == (0, 0, 2)
    assert "opening" not in json.loads(bodies[0])
    assert "address" not in json.loads(bodies[0])
