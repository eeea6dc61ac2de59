"""The indexer's figures for Prometheus, read when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from indexer.operation.watch import Watch
    from indexer.summary import Summary


class IndexerCollector(Collector):
    """Loops from the watch, totals from the database; the latter are left out while it is away."""

    def __init__(self, watch: Watch, summary: Callable[[], Summary | None]) -> None:
        self._watch = watch
        self._summary = summary

    @override
    def collect(self) -> Iterator[Metric]:
        yield from self._loops()
        summary = self._summary()
        if summary is not None:
            yield from _totals(summary)

    def _loops(self) -> Iterator[Metric]:
        behind = GaugeMetricFamily(
            "indexer_blocks_behind", "Blocks that a chain has and the rows lack", labels=["chain"]
        )
        failures = CounterMetricFamily("indexer_failed_turns", "Turns of a loop that failed", labels=["loop"])
        age = GaugeMetricFamily("indexer_idle_seconds", "Seconds since a loop's last success", labels=["loop"])
        logs = CounterMetricFamily("indexer_logs", "Logs that this process has written", labels=["chain"])
        for name, loop in self._watch.loops().items():
            failures.add_metric([name], loop.failures)
            if loop.succeeded_at is not None:
                age.add_metric([name], self._watch.clock() - loop.succeeded_at)
            if loop.blocks_behind is not None:
                behind.add_metric([name], loop.blocks_behind)
                logs.add_metric([name], loop.logs)
        blobs = self._watch.loops()["blobs"]
        yield from (behind, failures, age, logs)
        yield CounterMetricFamily("indexer_receipts", "Receipts that this process has written", value=blobs.receipts)
        yield GaugeMetricFamily("indexer_fetches", "Posts whose blobs are being fetched", value=blobs.fetching)


def _totals(summary: Summary) -> Iterator[Metric]:
    block = GaugeMetricFamily("indexer_block", "Indexed block by chain and the chain's tag", labels=["chain", "tag"])
    for chain, tags in summary.heads.items():
        for tag, number in tags.items():
            block.add_metric([str(chain), tag], number)
    reorgs = CounterMetricFamily("indexer_reorgs", "Reorganisations that were undone", labels=["chain"])
    depth = GaugeMetricFamily("indexer_deepest_reorg_blocks", "Blocks that the deepest took", labels=["chain"])
    for chain, (count, deepest) in summary.reorgs.items():
        reorgs.add_metric([str(chain)], count)
        depth.add_metric([str(chain)], deepest)
    batches = GaugeMetricFamily("indexer_batches", "Fillings by verdict on their blobs", labels=["verdict"])
    for verdict in ("valid", "invalid", "pending"):
        batches.add_metric([verdict], getattr(summary, verdict))
    yield from (block, reorgs, depth, batches)
    yield GaugeMetricFamily("indexer_findings", "Broken rules on record", value=summary.findings)
    yield GaugeMetricFamily("indexer_posts_without_blobs", "Posts of which a blob is missing", value=summary.missing)


def metrics_page(collector: IndexerCollector) -> bytes:
    """The exposition format."""
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)
