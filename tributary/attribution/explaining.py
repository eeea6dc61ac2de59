"""Which words of an answer stand in which dataset, where: the passages of an attribution, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.protocol.attribution import placed_in_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.attribution.library import Library
    from ledger.protocol.attribution import Attribution, AttributionSet, Span, Texts


class Passage(NamedTuple):
    """Words of an answer that stand in a dataset.

    Attributes:
        words: as the answer has them.
        answer: number of the answer text.
        start: first character.
        end: the character after the last one.
        asset_id: the dataset.
        path: its file.
        offset: byte of the file at which the words begin.
        source: the same words as the file has them.
        admitted: whether the terms admit the dataset.
    """

    words: str
    answer: int
    start: int
    end: int
    asset_id: int
    path: str
    offset: int
    source: str
    admitted: bool


def passages(found: Attribution, texts: Texts, library: Library) -> Iterator[Passage]:
    """The passages of an attribution, in the order of the answer."""
    placed = [library.method.folding.placed_units(answer) for answer in texts.answers]
    for span in found.spans:
        units = placed[span.answer]
        start, end = units[span.start].start, units[span.end - 1].end
        offset, source = _source(span, library)
        words = texts.answers[span.answer][start:end]
        yield Passage(
            words, span.answer, start, end, span.asset_id, span.path, offset, source, span.asset_id in found.admitted
        )


def _source(span: Span, library: Library) -> tuple[int, str]:
    """Where the span's first word stands in the file, and the words there."""
    text = library.texts[span.asset_id]
    number = next(n for n, file in enumerate(text.files) if file.path == span.path)
    content = text.file_content(number)
    # As many bytes as a window may take, for the span and what its first window has before it.
    reach = library.method.parameters.window_bytes * (span.end - span.window.start)
    piece = bytes(content[span.offset : span.offset + reach])
    units = placed_in_file(library.method.folding, piece, span.path)
    first, last = span.start - span.window.start, span.end - 1 - span.window.start
    last = min(last, len(units) - 1)
    start, end = units[first].start, units[last].end
    return span.offset + start, piece[start:end].decode(errors="replace")


def as_json(found: Attribution, texts: Texts, library: Library) -> dict[str, Any]:
    """Set and passages as members of a JSON object."""
    return {
        "set": set_json(found.entries),
        "totalMillibits": found.total,
        "weightsMillibits": {str(asset_id): weight for asset_id, weight in sorted(found.weights.items())},
        "passages": [passage._asdict() for passage in passages(found, texts, library)],
    }


def set_json(entries: AttributionSet) -> list[dict[str, int]]:
    """A set as receipts' envelopes have it."""
    return [{"assetId": entry.asset_id, "ppm": entry.ppm} for entry in entries]
