"""Copies the libraries that the API's pages load out of the locked npm packages: `python scripts/vendor.py [--check]`.

A page's user needs no build and no other host, so the files are committed; tests hold them against the lock's packages.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = CHECKOUT / ".tributary" / "node_modules"
PLACE = CHECKOUT / "api" / "pages" / "static" / "vendor"
CARD = PLACE / "README.md"
_CURVES = ("bls12-381", "utils", *(f"abstract/{name}" for name in ("bls", "curve", "der", "hash-to-curve", "modular")))
_HASHES = ("_md", "_u64", "hmac", "sha2", "sha3", "utils")

FILES = {
    "uplot": ("uplot", ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE")),
    "lit-html": ("lit-html", ("lit-html.js", "LICENSE")),
    "ethers": ("ethers", ("dist/ethers.min.js", "LICENSE.md")),
    "noble-curves": (
        "@noble/curves",
        (*(f"{name}.js" for name in (*_CURVES, "abstract/tower", "abstract/weierstrass")), "LICENSE"),
    ),
    "noble-hashes": ("@noble/hashes", (*(f"{name}.js" for name in _HASHES), "LICENSE")),
}
"""Folder below vendor/: the package, and which of its files; `dist/` is left out of the copy's name."""


def copies() -> list[tuple[Path, Path]]:
    """(file in the package, its copy) for every vendored file."""
    return [
        (PACKAGES / package / name, PLACE / folder / name.removeprefix("dist/"))
        for folder, (package, names) in FILES.items()
        for name in names
    ]


def differing() -> list[str]:
    """Copies that are not byte for byte what the packages have, and files that no package has."""
    wanted = {copy: source for source, copy in copies()}
    wrong = [copy for copy, source in wanted.items() if not copy.exists() or copy.read_bytes() != source.read_bytes()]
    strange = [path for path in PLACE.rglob("*") if path.is_file() and path not in wanted and path != CARD]
    return [str(path.relative_to(CHECKOUT)) for path in [*wrong, *strange]]


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        print("\n".join(differing()))
        return bool(differing())
    for folder in FILES:
        shutil.rmtree(PLACE / folder, ignore_errors=True)
    for source, copy in copies():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
