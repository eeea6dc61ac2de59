"""Transcripts as clients keep them, with an honest set or a changed part."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from ledger.attribution.library import Library
from ledger.attribution.standard import standard_method
from ledger.protocol.attribution import (
    NO_PRIOR,
    CorpusEntry,
    SetEntry,
    Texts,
    attribute,
    attribution_hash,
    parameters_listing,
)
from ledger.protocol.attribution.transcript import transcript_json
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import mark_json, receipt_member, salted_hash

SALT = b"\x05" * 32
QUESTION = "Define something."


def keep_transcript(
    library: Path,
    folder: Path,
    answer: str,
    *,
    admitted: Collection[int] = (3,),
    asset_id: int = 9,
    started_at: int = 1_700_000_000,
    entries: Sequence[SetEntry] | None = None,
    produced: bytes | None = None,
    corpus: Sequence[CorpusEntry] | None = None,
) -> Path:
    """The file of an exchange whose receipt is over the honest set; what is given stands in it instead."""
    held = Library.open(library, standard_method())
    request = json.dumps({"model": "satire", "messages": [{"role": "user", "content": QUESTION}]}).encode()
    body = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}]}).encode()
    honest = attribute(Texts((answer,), (QUESTION,)), held, admitted, NO_PRIOR, held.method).entries
    receipt = Receipt(
        operator=b"\x01" * 20, lane=0, seq=4, payer=b"\x02" * 20, asset_id=asset_id,
        request_hash=salted_hash(SALT, request), response_hash=salted_hash(SALT, body), input_units=3,
        output_units=90, fee_units=12, attribution_hash=attribution_hash(honest), started_at=started_at, duration_ms=5,
    )  # fmt: skip
    envelope = {
        "receipt": receipt.to_json(),
        "salt": to_hex(SALT),
        "digest": to_hex(bytes(32)),
        "signature": to_hex(bytes(65)),
        "signer": to_hex(bytes(20)),
        "set": [{"assetId": entry.asset_id, "ppm": entry.ppm} for entry in (honest if entries is None else entries)],
    }
    listing = parameters_listing(held.method.parameters, held.corpus if corpus is None else corpus)
    answer = mark_json(body if produced is None else produced, receipt_member(envelope))
    document = transcript_json(request, answer, listing.decode())
    path = folder / "transcript.json"
    path.write_text(json.dumps(document))
    return path
