"""Is it alive, is it ready, how busy is it: for orchestrators and Prometheus."""

import re
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tideng.gateway.doors.api_operation import Answer, ApiDeps, Call, Operation, as_json
from tideng.gateway.doors.api_problems import Problem
from tideng.gateway.doors.api_values import Health
from tideng.gateway.store import queries

METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*").fullmatch


class Observation:
    """The operations that say how the gateway does."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        # A registry of our own: two gateways in one process (tests do it) must not share counters.
        self._metrics = CollectorRegistry(auto_describe=False)
        self._metrics.register(_Stored(deps))
        self._seconds = Histogram(
            "tideng_http_request_seconds",
            "Time from the first byte of a request to its answer",
            ("operation", "status"),
            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
            registry=self._metrics,
        )

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._seconds.labels(operation, str(status)).observe(seconds)

    def operations(self) -> tuple[Operation, ...]:
        """Their rows of the table."""
        return (
            Operation(
                method="GET",
                path="/healthz",
                access="open",
                summary="The process answers.",
                act=self.health,
                gives={200: Health},
            ),
            Operation(
                method="GET",
                path="/readyz",
                access="open",
                summary="The gateway can take messages.",
                act=self.ready,
                gives={200: Health},
                problems=("not-ready",),
            ),
            Operation(
                method="GET",
                path="/metrics",
                access="local",
                summary="Figures for Prometheus; from this machine, or with an admin's key.",
                act=self.metrics,
                gives={200: METRICS},
            ),
        )

    async def health(self, _call: Call) -> Answer:
        """GET /healthz."""
        return as_json(Health("ok"))

    async def ready(self, _call: Call) -> Answer:
        """GET /readyz."""
        missing = self._deps.missing()
        if missing:
            raise Problem("not-ready", "; ".join(missing), headers={"Retry-After": "5"})
        return as_json(Health("ok"))

    async def metrics(self, _call: Call) -> Answer:
        """GET /metrics."""
        return Answer(body=generate_latest(self._metrics), media_type=METRICS)


class _Stored(Collector):
    """Reads what is counted elsewhere at the moment it is asked for."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        reader = self._deps.store.reader
        messages = CounterMetricFamily(
            "tideng_messages",
            "Messages by verdict (send, hold, refuse) and by state reached",
            labels=["what"],
        )
        for what, n in sorted(queries.tally(reader).items()):
            messages.add_metric([what], n)
        yield messages
        yield GaugeMetricFamily(
            "tideng_ledger_entries", "Entries in the ledger", self._deps.store.ledger.size
        )
        yield GaugeMetricFamily(
            "tideng_held_messages", "Messages that wait for a person", queries.held_count(reader)
        )
        yield GaugeMetricFamily(
            "tideng_intake_room", "Submissions intake can take now", self._deps.intake.room
        )
        for name, value in sorted(self._deps.gauges().items()):
            if _NAME(name):
                yield GaugeMetricFamily(f"tideng_{name}", name.replace("_", " "), value)
