"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from serving.inference.node_state import NodeState
from serving.journal.records import Issued

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """One registry a gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "serving_requests", "Requests by endpoint and status", ["endpoint", "status"], registry=self.registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}
        self.intents = Counter("serving_intents", "Requests opened durably", registry=self.registry)
        self.receipts = Counter("serving_receipts", "Receipts issued", ["outcome"], registry=self.registry)
        self._receipts_of: dict[str, Counter] = {}
        self.tokens = Counter("serving_tokens", "Tokens receipted", ["direction"], registry=self.registry)
        self._input, self._output = self.tokens.labels("input"), self.tokens.labels("output")
        self.fees = Counter("serving_fee_units", "Fees receipted, base units", registry=self.registry)
        self.commit_size = Histogram(
            "serving_commit_records",
            "Intents and receipts in one commit",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "serving_request_seconds", "Time to answer", ["endpoint"], buckets=_SECONDS, registry=self.registry
        )

    def answered(self, path: str, status: int) -> None:
        """Counts a response; the counter of each path and status is looked up once."""
        counter = self._answered.get((path, status))
        if counter is None:
            counter = self._answered[path, status] = self.requests.labels(path, str(status))
        counter.inc()

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Adds a value that is read when it is asked for."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def nodes(self, read: Callable[[], Sequence[NodeState]]) -> None:
        """Adds the servers behind the gateway."""
        self.registry.register(_Nodes(read))

    def committed(self, opened: int, issued: Sequence[Issued]) -> None:
        """Counts what one commit made durable; a counter is a float: for graphs, never for money."""
        self.intents.inc(opened)
        self.commit_size.observe(opened + len(issued))
        for one in issued:
            receipt = one.signed.receipt
            counter = self._receipts_of.get(one.outcome)
            if counter is None:
                counter = self._receipts_of[one.outcome] = self.receipts.labels(one.outcome)
            counter.inc()
            self._input.inc(receipt.input_units)
            self._output.inc(receipt.output_units)
            self.fees.inc(receipt.fee_units)

    def page(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class _Nodes(Collector):
    """Each server's state when it is asked for; they come and go, so no gauge is kept of one."""

    def __init__(self, read: Callable[[], Sequence[NodeState]]) -> None:
        self._read = read

    @override
    def collect(self) -> Iterable[Metric]:
        nodes = self._read()
        values: dict[str, tuple[str, Callable[[NodeState], float]]] = {
            "up": ("1 while it gets new requests", lambda node: node.is_up),
            "running": ("Answers that it computes", lambda node: node.running),
            "work_tokens": ("Tokens of work that it was given and did not finish", lambda node: node.units),
            "adapters": ("Adapters that the gateway loaded on it", lambda node: node.adapters),
            "first_token_p99_seconds": (
                "99th percentile of its time to the first token",
                lambda node: node.first_token_p99_seconds or 0.0,
            ),
        }
        for name, (documentation, value) in values.items():
            gauge = GaugeMetricFamily(f"serving_upstream_{name}", documentation, labels=["node"])
            for node in nodes:
                gauge.add_metric([node.name], value(node))
            yield gauge
        faults = CounterMetricFamily("serving_upstream_faults", "What it did wrong", labels=["node", "fault"])
        for node in nodes:
            for fault, count in node.faults.items():
                faults.add_metric([node.name, fault], count)
        yield faults
