"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from serving.journal.records import Issued

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """One registry a gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "serving_requests", "Requests by endpoint and status", ["endpoint", "status"], registry=self.registry
        )
        self.intents = Counter("serving_intents", "Requests opened durably", registry=self.registry)
        self.receipts = Counter("serving_receipts", "Receipts issued", ["outcome"], registry=self.registry)
        self.tokens = Counter("serving_tokens", "Tokens receipted", ["direction"], registry=self.registry)
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

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Adds a value that is read when it is asked for."""
        Gauge(name, documentation, registry=self.registry).set_function(read)

    def committed(self, opened: int, issued: Sequence[Issued]) -> None:
        """Counts what one commit made durable; a counter is a float: for graphs, never for money."""
        self.intents.inc(opened)
        self.commit_size.observe(opened + len(issued))
        for one in issued:
            receipt = one.signed.receipt
            self.receipts.labels(one.outcome).inc()
            self.tokens.labels("input").inc(receipt.input_units)
            self.tokens.labels("output").inc(receipt.output_units)
            self.fees.inc(receipt.fee_units)

    def page(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
