"""Real text of the machine that a benchmark runs on: manual pages, documentation, source of the Python in use.

Nothing is fetched, and no paragraph comes twice. On Debian more documentation is one `apt-get install` away
(linux-doc, python3-doc, gcc-doc, …); any other folder of text can be named instead.
"""

import gzip
import sys
import sysconfig
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PLACES = (
    *(Path(f"/usr/share/man/man{section}") for section in range(1, 9)),
    Path("/usr/share/doc"),
    Path("/usr/share/info"),
    Path(sysconfig.get_path("purelib")),
    Path(sysconfig.get_path("stdlib")),
    Path("/usr/share/man"),  # in other languages
)
KINDS = {".txt", ".md", ".rst", ".html", ".py", ".pyi", ".h", ".info", ".tex", ".xml", ""}
LEAST_BYTES, MOST_BYTES = 512, 16 << 20


@dataclass
class LocalText:
    """Text in documents, up to some size.

    Attributes:
        limit: bytes that are wanted.
        sources: bytes taken from each place.
        documents: text of each file, without paragraphs that came before.
    """

    limit: int
    places: tuple[Path, ...] = PLACES
    sources: dict[str, int] = field(default_factory=dict)
    documents: list[bytes] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def read(self) -> "LocalText":
        """Fill the documents."""
        total = 0
        for place in self.places:
            for content in _files(place):
                fresh = self._fresh(content)
                if len(fresh) < LEAST_BYTES:
                    continue
                self.documents.append(fresh)
                total += len(fresh)
                self.sources[str(place)] = self.sources.get(str(place), 0) + len(fresh)
                if total >= self.limit:
                    return self
        return self

    @property
    def size(self) -> int:
        return sum(map(len, self.documents))

    def source(self) -> str:
        """Where it is from, for a table's note."""
        kinds: dict[str, int] = {}
        for place, size in self.sources.items():
            kind = "manual pages" if "/man" in place else "documentation" if place.startswith("/usr") else place
            kinds[kind] = kinds.get(kind, 0) + size
        parts = ", ".join(f"{Path(kind).name} {size / 1e6:.0f} MB" for kind, size in kinds.items())
        return f"Text: {parts}; no paragraph twice."

    def _fresh(self, content: bytes) -> bytes:
        kept = []
        for paragraph in content.split(b"\n\n"):
            digest = hash(paragraph)
            if len(paragraph) < 40 or digest not in self._seen:
                self._seen.add(digest)
                kept.append(paragraph)
        return b"\n\n".join(kept)


def _files(place: Path) -> Iterator[bytes]:
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        name = path.with_suffix("") if path.suffix == ".gz" else path
        manual = name.suffix[1:2].isdigit()
        if not (manual or name.suffix in KINDS) or path.is_symlink() or not path.is_file():
            continue
        try:
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
        except (OSError, EOFError, zlib.error) as error:
            print(f"passed over {path}: {error}", file=sys.stderr)
            continue
        if b"\0" not in content[:4096] and len(content) <= MOST_BYTES:
            yield content
