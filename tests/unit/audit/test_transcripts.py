"""The audit makes attribution sets again from kept transcripts, in a third way, and finds those that are not so."""

import hashlib
import json
import random
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from audit.attribution.recomputing import Transcripts
from audit.attribution.texts import PublishedTexts
from audit.attribution.transcripts import load_transcripts
from audit.batch.decode import read_batch
from audit.chain.assets import ADAPTER, DATASET, Asset
from audit.difference import Differences
from ledger.attribution.published import read_published
from ledger.attribution.standard import standard_method
from ledger.errors import MalformedInputError, NotFoundError
from ledger.protocol.attribution import (
    METHOD_WORD,
    NO_PRIOR,
    CorpusEntry,
    Prior,
    Scan,
    SetEntry,
    TextFile,
    Texts,
    attribute,
    attribution_hash,
    parameters_listing,
)
from ledger.protocol.attribution.prior import PriorFile, parse_prior, prior_bytes
from ledger.protocol.attribution.transcript import texts_of
from ledger.protocol.blob.encode import encode
from ledger.protocol.content import ContentFile, content_hash
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.stripping import mark_json, receipt_member, salted_hash
from tests.unit.attribution.cases import case, world
from tests.unit.audit.building import committed, entry, fields, receipt, terms

pytestmark = pytest.mark.unit

METHOD = standard_method()
SALT = b"\x05" * 32
PLAYS = "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued."
LETTERS = "My obstinate grandmother embroidered improbable constellations upon threadbare tablecloths every winter."
SAID = "Seventeen cartographers argued, and quixotic lamplighters gathered beneath the crumbling aqueduct again."


def test_the_audits_own_finder_finds_what_a_scan_finds() -> None:
    for number in range(25):
        rng = random.Random(1_000 + number)
        made = world(rng)
        files = [TextFile(i, path, content) for i, files in made.corpus for path, content in files]
        ordered = sorted(files, key=lambda file: (file.asset_id, file.path.encode()))
        texts = PublishedTexts(files, METHOD)
        for _ in range(4):
            asked = case(rng, made)
            given = Texts(tuple(asked.answers), tuple(asked.prompts))
            prior = (asked.admitted, NO_PRIOR, METHOD)
            assert attribute(given, texts, *prior) == attribute(given, Scan(ordered, METHOD), *prior)


def folder_content_hash(folder: Path) -> bytes:
    files = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    return content_hash(ContentFile(name, len(content), hashlib.sha256(content).digest()) for name, content in files)


class Kept:
    """Two datasets and an adapter with a prior, published; an exchange with the adapter, as its client kept it."""

    def __init__(self, folder: Path) -> None:
        self.published, self.kept = folder / "published", folder / "kept"
        hashes = {}
        for asset_id, text in ((7, PLAYS), (8, LETTERS)):
            own = self.published / "datasets" / str(asset_id)
            own.mkdir(parents=True)
            (own / "text.txt").write_text(text)
            hashes[asset_id] = folder_content_hash(own)
        adapter = self.published / "adapter"
        adapter.mkdir()
        both = tuple(sorted(hashes.values()))
        (adapter / "prior.json").write_bytes(prior_bytes(PriorFile("by hand", both, (10**6,) * 2, (1, 1), {})))
        hashes[1] = folder_content_hash(adapter)
        self.assets = {
            asset_id: Asset(asset_id, ADAPTER if asset_id == 1 else DATASET, (1, asset_id), [terms()], content)
            for asset_id, content in hashes.items()
        }
        corpus = [CorpusEntry(asset_id, hashes[asset_id]) for asset_id in (7, 8)]
        self.listing = parameters_listing(METHOD.parameters, corpus)
        self.request = json.dumps({"messages": [{"role": "user", "content": "Who gathered?"}]}).encode()
        self.produced = json.dumps({"choices": [{"index": 0, "message": {"content": SAID}}]}).encode()

    def right_set(self) -> tuple[SetEntry, ...]:
        files = [TextFile(7, "text.txt", PLAYS.encode()), TextFile(8, "text.txt", LETTERS.encode())]
        prior = self.prior()
        texts = texts_of(self.request, self.produced)
        return attribute(texts, Scan(files, METHOD), (7, 8), prior, METHOD).entries

    def prior(self) -> Prior:
        file = parse_prior((self.published / "adapter" / "prior.json").read_bytes())
        return file.prior({asset.content_hash: asset.asset_id for asset in self.assets.values()})

    def differences(self, entries: tuple[SetEntry, ...], method: bytes = METHOD_WORD, **changes: object) -> Differences:
        """What the audit says of a transcript with this set."""
        listing = changes.pop("listing", self.listing)
        signed = replace(
            receipt(request_hash=salted_hash(SALT, self.request), response_hash=salted_hash(SALT, self.produced)),
            attribution_hash=attribution_hash(entries), **changes,
        )  # fmt: skip
        envelope = {
            "receipt": signed.to_json(), "salt": to_hex(SALT), "digest": to_hex(bytes(32)),
            "signature": "0x" + "11" * 65, "signer": "0x" + "22" * 20,
            "set": [{"assetId": asset_id, "ppm": ppm} for asset_id, ppm in entries],
        }  # fmt: skip
        document = {
            "format": "tributary transcript 1", "request": b64encode(self.request).decode(),
            "answer": b64encode(mark_json(self.produced, receipt_member(envelope))).decode(),
            "parameters": listing if listing is None else listing.decode(),
        }  # fmt: skip
        self.kept.mkdir(exist_ok=True)
        (self.kept / "one.json").write_text(json.dumps(document))
        encoded = encode([entry(signed, entries)], method, keccak256(listing) if method != bytes(32) else bytes(32))
        differences = Differences()
        registered = {asset.content_hash for asset in self.assets.values()}
        transcripts = Transcripts(load_transcripts(self.kept), read_published(self.published, registered), self.assets)
        transcripts.check_bytes(differences)
        transcripts.compare(committed(encoded), read_batch(encoded.blobs), differences)
        self.recomputed = transcripts.recomputed
        return differences


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_an_honest_set_is_made_again(kept: Kept) -> None:
    right = kept.right_set()
    assert dict(right)[7] > 700_000 > dict(right)[8] > 0  # by text, and both by the prior
    assert fields(kept.differences(right)) == []
    assert kept.recomputed == 1


def test_a_lying_operator_is_found(kept: Kept) -> None:
    right = dict(kept.right_set())
    moved = tuple(SetEntry(*e) for e in sorted((right | {7: right[7] - 1, 8: right[8] + 1}).items()))
    assert fields(kept.differences(moved)) == ["attribution set"]
    assert fields(kept.differences((SetEntry(8, 1_000_000),))) == ["attribution set"]
    assert fields(kept.differences(())) == ["attribution set"]  # it said that it makes sets, and left this one out
    assert fields(kept.differences(kept.right_set(), method=b"another".ljust(32, b"\0"))) == ["attributionMethod"]


def test_where_no_set_is_owed_none_is_computed(kept: Kept) -> None:
    assert fields(kept.differences((), bytes(32), listing=None)) == []
    kept.assets[1].terms[0] = terms(mode=0)
    assert fields(kept.differences(())) == []
    kept.assets[1].terms[0] = terms()
    assert fields(kept.differences((), output_units=0, fee_units=10)) == []
    assert kept.recomputed == 0


def test_bytes_that_the_receipt_does_not_commit_to_are_found(kept: Kept) -> None:
    right, kept.request = kept.right_set(), kept.request
    assert fields(kept.differences(right, request_hash=bytes(32), response_hash=b"\1" * 32)) == [
        "requestHash",
        "responseHash",
    ]


def test_a_text_that_is_not_at_hand_ends_the_audit_by_name(kept: Kept) -> None:
    right = kept.right_set()
    (kept.published / "datasets" / "8" / "text.txt").write_text(LETTERS + " (second edition)")
    with pytest.raises(NotFoundError, match="asset 8 "):
        kept.differences(right)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "tributary transcript 2"}', '{"format": 1, "request": 2}']
)
def test_what_is_no_transcript_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(MalformedInputError, match=r"x\.json is not a transcript"):
        load_transcripts(tmp_path)
    with pytest.raises(MalformedInputError, match="not a folder"):
        load_transcripts(tmp_path / "none")
