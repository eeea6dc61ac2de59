"""What is put before an audit of the story: archives, splits, kept receipts, an encoder and a node that lie."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.protocol.blob import encode as codec
from ledger.protocol.blob.encode import EncodedBatch, encode
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.distribution import Payout
from ledger.protocol.signature import address_of, sign
from tests.e2e.audit_story import ALICE, CAROL, RICH, Story
from tests.e2e.middleman import between
from tests.factories.operator_flow import key_of


def archive_of(story: Story, folder: Path) -> Path:
    """All blobs as an archive keeps them."""
    for posted in story.posted:
        for blob in posted.encoded.blobs:
            name = versioned_hash(kzg_commitment(blob)).hex()
            (folder / name[2:4]).mkdir(parents=True, exist_ok=True)
            (folder / name[2:4] / f"{name}.blob").write_bytes(blob)
    return folder


def flip(path: Path, at: int) -> None:
    spoilt = bytearray(path.read_bytes())
    spoilt[at] ^= 1
    path.write_bytes(spoilt)


def blob_file(story: Story, archive: Path, index: int) -> Path:
    name = versioned_hash(kzg_commitment(story.posted[index].encoded.blobs[0])).hex()
    return archive / name[2:4] / f"{name}.blob"


def codec_with_one_unit_moved(position: int):
    """The encoder with a running sum that is one unit too high at one receipt: totals and charges stay right."""

    def encoder(*arguments: object) -> EncodedBatch:
        true = codec._public_rows

        def shifted(ordered, payers, positions, running, first_seq, base_time):
            running = running.copy()
            running[position] += 1
            return true(ordered, payers, positions, running, first_seq, base_time)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(codec, "_public_rows", shifted)
            return encode(*arguments)

    return encoder


def with_a_unit_moved(story: Story) -> list[Payout]:
    """The payouts with one unit that is Carol's given to Alice."""
    moved = {ALICE: 1, CAROL: -1}
    return [Payout(p.payee, p.cumulative_units + moved.get(p.payee, 0)) for p in story.payouts()]


def keep(story: Story, folder: Path, **changes: object) -> Path:
    """The rich payer's first three receipts in the form that the gateway hands out; changes go to the first."""
    folder.mkdir()
    rich = address_of(key_of(RICH))
    own = [entry.receipt for entry in story.posted[0].encoded.entries if entry.receipt.payer == rich][:3]
    own[0] = replace(own[0], **changes)
    for receipt in own:
        digest = receipt.digest(story.flow.deployment.receipt_domain)
        document = {
            "receipt": receipt.to_json(), "digest": "0x" + digest.hex(), "salt": "0x" + "00" * 32,
            "signature": "0x" + sign(digest, story.flow.lane_key).hex(), "set": [],
        }  # fmt: skip
        (folder / f"{receipt.seq}.json").write_text(json.dumps(document))
    return folder


@contextmanager
def l2_node(story: Story, change) -> Iterator[str]:
    """An L2 node whose eth_getLogs answers go through `change(log) -> log or None`; batches stay as they are."""

    def rewrite(_: str, body: bytes, answer: bytes) -> bytes:
        question = json.loads(body)
        if isinstance(question, list) or question["method"] != "eth_getLogs":
            return answer
        document = json.loads(answer)
        document["result"] = [log for one in document["result"] if (log := change(one)) is not None]
        return json.dumps(document).encode()

    with between(story.flow.devnet.l2_url, rewrite) as url:
        yield url
