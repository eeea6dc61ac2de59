"""The engine for a cluster: the same sums as Spark's map and reduce, batches first, then payees.

Nothing is gathered in one place but the result: `Part`s are cut into keyed sums where they are made, and each sum is
multiplied out to its payees where it was reduced.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import ProcessFailedError, ToolMissingError
from ledger.protocol.entitlement import numerators
from tributary.entitlements.sums import Part, complete, sum_batches, weighted_fees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.verification.batch import CommittedBatch
    from settlement.entitlements import Entitlements
    from tributary.entitlements.facts import Facts

BATCHES_A_SLICE = 4
LEAST_JAVA = 17
_SUM, _FEES, _WITHHELD, _MISSING = "sum", "fees", "withheld", "missing"


def by_spark(facts: Facts, archive: str, master: str) -> Entitlements:
    """Everybody's entitlements through the block that `facts` end at.

    Args:
        facts: what the logs say.
        archive: address of the blob archive, as every executor reaches it.
        master: Spark's address of the cluster; `local[*]` is this machine.

    Raises:
        ToolMissingError: Java or pyspark is not installed.
        ProcessFailedError: Spark gave up.
        BlobNotAvailableError, ConservationError: nothing could be computed.
    """
    require_java()
    with _context(master) as spark:
        rules, royalties = spark.broadcast(facts.rules), spark.broadcast(dict(facts.royalties))
        lists = spark.broadcast(dict(facts.lists))
        protocol = facts.protocol

        def batch_sums(batches: Iterable[CommittedBatch]) -> Iterator[tuple[Any, int]]:
            return _keyed(sum_batches(batches, rules.value, archive))

        def payee_sums(rows: Iterable[tuple[Any, int]]) -> Iterator[tuple[bytes, int]]:
            fees = weighted_fees({key[1]: units for key, units in rows})
            return iter(numerators(fees, royalties.value, protocol, lists.value).items())

        slices = max(1, -(-len(facts.batches) // BATCHES_A_SLICE))
        totals = spark.parallelize(facts.batches, slices).mapPartitions(batch_sums).reduceByKey(add).persist()
        rest = totals.filter(lambda row: row[0][0] != _SUM).collect()
        owed = totals.filter(lambda row: row[0][0] == _SUM).mapPartitions(payee_sums).reduceByKey(add).collectAsMap()
    return complete(_unkeyed(rest), owed)


def _keyed(part: Part) -> Iterator[tuple[Any, int]]:
    """A part as rows that add up by key."""
    yield (_FEES,), part.fees_units
    for key, units in part.sums.items():
        yield (_SUM, key), units
    for batch_id in part.withheld:
        yield (_WITHHELD, batch_id), 1
    for blob in part.missing:
        yield (_MISSING, blob), 1


def _unkeyed(rows: Iterable[tuple[Any, int]]) -> Part:
    """The part of these rows, without its sums."""
    part = Part()
    for (kind, *key), units in rows:
        if kind == _FEES:
            part.fees_units += units
        elif kind == _WITHHELD:
            part.withheld += key
        elif kind == _MISSING:
            part.missing += key
    return part


def require_java() -> None:
    """Nothing, if Spark can be started here.

    Raises:
        ToolMissingError: no Java that Spark runs on, or no pyspark.
    """
    otherwise = "`--engine local` computes the same."
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    if java is None:
        raise ToolMissingError(f"The engine spark needs Java {LEAST_JAVA} or newer, and there is none; {otherwise}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < LEAST_JAVA:
        found = version[1] if version else "another program"
        raise ToolMissingError(f"The engine spark needs Java {LEAST_JAVA} or newer, and {java} is {found}; {otherwise}")
    if importlib.util.find_spec("pyspark") is None:
        raise ToolMissingError(
            f"The engine spark needs pyspark, which the extra `spark` of this package brings; {otherwise}"
        )


@contextmanager
def _context(master: str) -> Iterator[Any]:
    """A Spark context, ended afterwards; what Spark fails with is said in one sentence."""
    from py4j.protocol import Py4JError  # noqa: PLC0415  # only there with the extra `spark`
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.errors import PySparkException, PySparkRuntimeError  # noqa: PLC0415

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = SparkConf().setAppName("tributary entitlements").setMaster(master).setAll(_settings(master))
    try:
        context = SparkContext(conf=conf)
        try:
            yield context
        finally:
            context.stop()
    except (Py4JError, PySparkException, PySparkRuntimeError, OSError) as error:
        raise ProcessFailedError(f"Spark at {master} failed: {_reason(error)}") from error


def _settings(master: str) -> list[tuple[str, str]]:
    """What Spark is told beside its master; on this machine alone, it also stays on the loopback interface."""
    quiet = Path(__file__).with_name("log4j2.properties")
    settings = [
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower()),
        ("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile={quiet.as_uri()}"),
    ]
    if master.startswith("local"):
        settings += [("spark.driver.host", "127.0.0.1"), ("spark.driver.bindAddress", "127.0.0.1")]
    return settings


def _reason(error: Exception) -> str:
    """The line of a Spark error that says what happened: the worker's exception, else the driver's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line in reversed(lines):
        if re.match(r"[\w.]*(Error|Exception)\b: ", line):
            return line[:300]
    return (lines[0] if lines else type(error).__name__)[:300]
