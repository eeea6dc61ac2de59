"""Writes a surprisal table of attribution (docs/spec/attribution.md, "Surprisal") from folders of ordinary text.

    python -m scripts.surprisal_table OUTPUT FOLDER FOLDER …

Each folder is one kind of text and weighs the same, whatever its size; gzipped files are read too. A unit's surprisal is
-log2 of its mean frequency over the folders; units at 16 bits or more are left out. The shipped table's hash is a
parameter of the method, so another table is another method: this program is how the shipped one came about.
"""

from __future__ import annotations

import gzip
import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

from ledger.protocol.attribution.folding import Folding

MOST_BITS = 16
MILLIBIT_STEP = 50
"""Surprisals are rounded to this, which makes the lines of the table few."""
FOLD_TABLE = Path(__file__).resolve().parent.parent / "ledger" / "attribution" / "tables" / "fold.txt"


def frequencies(folder: Path, folding: Folding) -> dict[str, float]:
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if b"\0" in content[:4096] or hash(content) in seen:
            continue
        seen.add(hash(content))
        counts.update(folding.units(content.decode(errors="replace")))
    total = sum(counts.values())
    print(f"{folder}: {total} units, {len(counts)} different", file=sys.stderr)
    return {unit: count / total for unit, count in counts.items()}


def main() -> None:
    output, folders = Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]
    folding = Folding.parse(FOLD_TABLE.read_bytes())
    mean: defaultdict[str, float] = defaultdict(float)
    for folder in folders:
        for unit, frequency in frequencies(folder, folding).items():
            mean[unit] += frequency / len(folders)
    lines: dict[int, list[str]] = {}
    for unit, frequency in mean.items():
        bits = -math.log2(frequency)
        if bits < MOST_BITS:
            lines.setdefault(max(1, round(1000 * bits / MILLIBIT_STEP)) * MILLIBIT_STEP, []).append(unit)
    written = [f"{millibits} {' '.join(sorted(units))}" for millibits, units in sorted(lines.items())]
    output.write_text("\n".join(["tributary surprisal 1", *written]) + "\n")
    print(f"{output}: {sum(map(len, lines.values()))} units", file=sys.stderr)


if __name__ == "__main__":
    main()
