"""Attribution against models trained without some of the data: LDS, quoted sources named, leakage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measuring.progress import progress
from benchmarks.measuring.report import Row, finish, options
from benchmarks.quality import scoring
from benchmarks.quality.bed import Bed, build_bed
from benchmarks.quality.plan import Plan
from benchmarks.quality.quoting import quoting
from benchmarks.quality.sets import flat_weights, set_scores
from ledger.protocol.attribution.prior import NO_PRIOR, parse_prior

if TYPE_CHECKING:
    from benchmarks.quality.scoring import Floats

CHECKOUT = Path(__file__).parent.parent
MODELS = CHECKOUT / "models"
FULL = Plan(str(MODELS), chunks=30, answers_each=2, subsets=48, seeds=2, parts=2, known_passages=80)
QUICK = Plan(str(MODELS), chunks=6, answers_each=1, subsets=8, seeds=1, parts=2, known_passages=8)
QUOTING_ANSWERS, QUICK_QUOTING_ANSWERS = 60, 5
LEAST_TOP1, MOST_LEAKAGE, LEAST_LDS = 0.95, 0.025, 0.45


def main() -> None:
    asked = options(__doc__ or "")
    plan = QUICK if asked.quick else FULL
    began = time.monotonic()
    results = retrain(plan, training_python())
    bed = build_bed(MODELS, plan.chunks, plan.answers_each, plan.subsets)
    found = quoting(MODELS, QUICK_QUOTING_ANSWERS if asked.quick else QUOTING_ANSWERS)
    rows = [
        Row("quoted source named", 100 * found.top1, "% of answers", "≥ 95", found.top1 >= LEAST_TOP1,
            {"answers": found.answers, "its share %": round(found.target_ppm / 1e4, 2)}),
        Row("leakage to other datasets", found.leakage_ppm / 1e4, "% of an answer", "≤ 2.5",
            found.leakage_ppm <= MOST_LEAKAGE * 1e6, {"of unseen text %": round(found.unseen_ppm / 1e4, 2)}),
    ]  # fmt: skip
    rows += lds_rows(bed, results, judged=not asked.quick)
    notes = (
        f"{plan.subsets} random halves of 12 contributors, {plan.seeds} seed(s) each; {len(bed.answers)} answers.",
        f"{time.monotonic() - began:.0f} s. LDS: rank correlation of summed scores with retrained models, mean of answers.",
        *(["So few halves say nothing of one method beside another; the full run does."] if asked.quick else []),
    )
    finish("attribution-quality", rows, asked, notes)


def lds_rows(bed: Bed, results: dict[str, Any], *, judged: bool) -> list[Row]:
    members = np.array([[float(k in half) for k in range(len(bed.contributors))] for half in bed.subsets])
    outcomes = scoring.outcomes_of(results["losses"])
    quoted = np.array([answer.quoted for answer in bed.answers])
    texts = [bed.tokenizer.decode(list(answer.tokens)) for answer in bed.answers]
    documents = ["\n\n".join(bed.tokenizer.decode(list(c)) for c in one.chunks) for one in bed.contributors]
    prior = parse_prior(results["prior"].encode())
    ids = {content_hash: number + 1 for number, content_hash in enumerate(prior.datasets)}
    whole = set_scores(texts, documents, prior.prior(ids))
    scores = {
        "whole function: text and prior by words": whole,
        "text alone": set_scores(texts, documents, NO_PRIOR),
        "text and a flat prior": set_scores(texts, documents, flat_weights(np.array(results["datainf_known"]))),
        "BM25": scoring.bm25(texts, documents),
        "grad-dot, for each answer": np.array(results["grad_dot"]),
        "DataInf, for each answer": np.array(results["datainf"]),
    }
    rows = [_row(name, scoring.lds(members, outcomes, score), quoted) for name, score in scores.items()]
    first = rows[0]
    if judged:
        rows[0] = Row(first.name, first.value, first.unit, "≥ 0.45", first.value >= LEAST_LDS, first.beside)
    ceiling = _row("ceiling: a datamodel fitted on other halves", scoring.ceiling(members, outcomes), quoted)
    if not judged:  # of one seed
        return [*rows, ceiling]
    return [*rows, ceiling, _row("agreement of two seeds", scoring.seed_agreement(results["losses"]), quoted)]


def _row(name: str, values: Floats, quoted: Any) -> Row:
    beside = {
        "quoting answers": round(float(values[quoted].mean()), 3),
        "others": round(float(values[~quoted].mean()), 3),
    }
    return Row(f"LDS, {name}", float(values.mean()), "", beside=beside)


def training_python() -> Path:
    """The interpreter of the training environment."""
    state = Path(os.environ.get("TRIBUTARY_STATE_DIR", CHECKOUT / ".tributary"))
    python = state / "train" / "bin" / "python"
    if not python.is_file():
        sys.exit("This benchmark trains small adapters and needs torch: run ./scripts/train --prepare once.")
    return python


def retrain(plan: Plan, python: Path) -> dict[str, Any]:
    """Losses of every subset's model, and the scores by gradients, from processes of one thread each."""
    progress(f"retraining in {plan.parts} processes, and gradients in another")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
                   "TOKENIZERS_PARALLELISM": "false"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        file.write_text(json.dumps(asdict(plan)))
        jobs = [*(str(part) for part in range(plan.parts)), "gradients"]
        running = [
            subprocess.Popen(
                [python, "-W", "ignore", "-m", "benchmarks.quality.retraining", file, job, Path(folder) / f"{job}.json"],
                env=environment, stdout=subprocess.DEVNULL,
            )
            for job in jobs
        ]  # fmt: skip
        if any([process.wait() for process in running]):  # noqa: C419  all of them end
            sys.exit("A training process failed; its error stands above.")
        found = {job: json.loads((Path(folder) / f"{job}.json").read_text()) for job in jobs}
    return {**found["gradients"], "losses": [row for part in range(plan.parts) for row in found[str(part)]]}


if __name__ == "__main__":
    main()
