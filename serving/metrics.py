"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """One registry a gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "serving_requests", "Requests by endpoint and status", ["endpoint", "status"], registry=self.registry
        )
        self.intents = Counter("serving_intents", "Requests opened durably", registry=self.registry)
        self.receipts = Counter("serving_receipts", "Receipts issued", registry=self.registry)
        self.commit_size = Histogram(
            "serving_commit_records",
            "Intents and receipts in one commit",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "serving_request_seconds", "Time to answer", ["endpoint"], buckets=_SECONDS, registry=self.registry
        )

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Adds a value that is read when it is asked for."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def committed(self, opened: int, issued: int) -> None:
        self.intents.inc(opened)
        self.receipts.inc(issued)
        self.commit_size.observe(opened + issued)

    def page(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
