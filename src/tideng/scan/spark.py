"""The same batches on Apache Spark: executors read the files where they lie, and persons are counted by shuffle.

Every executor must see the paths (a shared file system) and the output folder; what a batch yields is the very same
Parquet file that the embedded engine writes, so both may finish each other's scans.
"""  # noqa: E501

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tideng.scan.batch import Batch, How, Summary, scan_batch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PARTITION_BATCHES: int = 4
"""Batches that one task reads in a row."""


def session() -> "SparkSession":
    """The session of this process; made from the configuration that is found, else local."""
    from pyspark.sql import SparkSession

    return SparkSession.builder.appName("tideng scan").getOrCreate()


def scan_batches(spark: "SparkSession", batches: Sequence[Batch], folder: str, how: How) -> Iterator[Summary]:
    """Run batches on the cluster; their summaries as they come."""
    if not batches:
        return
    rows = [(msgspec.json.encode(batch).decode(),) for batch in batches]
    frame = spark.createDataFrame(rows, "batch string")
    parts = max(1, len(rows) // PARTITION_BATCHES)
    work = frame.repartition(parts).mapInArrow(_worker(folder, how), "summary string")
    for row in work.toLocalIterator():
        yield msgspec.json.decode(row["summary"], type=Summary)


def _worker(folder: str, how: How) -> Any:  # Any: a function over Arrow batches, which have no types
    def work(arrivals: Iterator[Any]) -> Iterator[Any]:  # Any: as above
        import pyarrow as pa

        for arrival in arrivals:
            told = []
            for text in arrival.column(0).to_pylist():
                batch = msgspec.json.decode(text, type=Batch)
                told.append(msgspec.json.encode(scan_batch(batch, folder, how)).decode())
            yield pa.RecordBatch.from_arrays([pa.array(told, pa.string())], ["summary"])

    return work


def count_ids(spark: "SparkSession", parts: Sequence[Path]) -> tuple[int, int]:
    """(records, distinct resident IDs) by shuffle on the cluster: what `count_persons` must agree with."""
    frame = spark.read.parquet(*[str(part) for part in parts])
    return frame.count(), frame.where("id > 0").select("id").distinct().count()
