"""On Spark the same pile gives the same result, and either engine takes over what the other finished."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from scan.piles import scanned
from tideng.scan.corpus import laptop

pytest.importorskip("pyspark")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark_and_embedded_agree(tmp_path: Path) -> None:
    from pyspark.sql import SparkSession

    from tideng.scan.spark import count_ids, scan_batches

    (tmp_path / "in").mkdir()
    truth = laptop(tmp_path / "in", seed=6)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    try:
        there = scanned(tmp_path / "in", tmp_path / "spark", cluster=partial(scan_batches, spark))
        parts = sorted((tmp_path / "spark" / "records").glob("*.parquet"))
        assert count_ids(spark, parts) == (truth.records, truth.resident_ids)
    finally:
        spark.stop()
    here = scanned(tmp_path / "in", tmp_path / "embedded")
    assert (there.persons, there.counts, there.bytes_read) == (here.persons, here.counts, here.bytes_read)
    assert scanned(tmp_path / "in", tmp_path / "spark").batches_taken_up == there.batches
