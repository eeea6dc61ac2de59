"""contentHash of an asset: what a registered folder of files is, whatever its name or place.

Source: docs/spec/content.md.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from ledger.errors import MalformedInputError
from ledger.protocol.keccak import keccak256

HEADING = b"tributary content 1\n"
_LICENCE: Final = "licence="


class ContentFile(NamedTuple):
    """One file: its path relative to the folder with `/` between parts, its size, its SHA-256."""

    path: str
    size_bytes: int
    sha256: bytes


def listing(files: Iterable[ContentFile]) -> bytes:
    """The canonical listing: a heading, then `sha256 size path` a line, sorted by path bytes.

    Raises:
        MalformedInputError: no files, a path twice, or a path that is absolute, climbs out,
            or holds a line break.
    """
    rows = sorted(files, key=lambda f: f.path.encode())
    paths = [f.path for f in rows]
    if not rows or len(set(paths)) != len(paths):
        raise MalformedInputError("an asset's content is one or more files, each path once")
    for path in paths:
        parts = path.split("/")
        if "\n" in path or any(part in ("", ".", "..") for part in parts):
            raise MalformedInputError(f"not a relative path: {path!r:.80}")
    return HEADING + b"".join(f"{f.sha256.hex()} {f.size_bytes} {f.path}\n".encode() for f in rows)


def content_hash(files: Iterable[ContentFile]) -> bytes:
    """keccak256 of the canonical listing: 32 bytes, the asset's identity on chain."""
    return keccak256(listing(files))


def registered_uri(uri: str, licence: str | None) -> str:
    """The `uri` of a registration: an address without fragment, and an SPDX expression as its fragment."""
    return uri if licence is None else f"{uri}#{_LICENCE}{quote(licence, safe='()+')}"


def licence_of(uri: str) -> str | None:
    """The licence that a registration's `uri` states; None if it states none."""
    fragment = uri.partition("#")[2]
    return unquote(fragment.removeprefix(_LICENCE)) or None if fragment.startswith(_LICENCE) else None
