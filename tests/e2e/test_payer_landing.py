"""A payer sees its receipts in batches: by proofs of a real API, held against its own node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ledger.chain.rpc import RpcClient
from ledger.protocol.envelope import parse_envelope
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.receipt import Receipt
from payer.book import Book, Exchange
from payer.keeping import Evidence
from payer.landing import Landing
from payer.onchain import PayerChain
from tests.e2e.middleman import between
from tests.e2e.pipeline_world import FIRST, Pipeline, api_server

pytestmark = pytest.mark.e2e
MINE = 5


@pytest.fixture(scope="module")
def api_url(pipeline: Pipeline, indexed_url: str) -> Iterator[str]:
    with api_server(indexed_url, pipeline.archive) as url:
        yield url


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with closing(Book(tmp_path / "book.sqlite")) as one:
        yield one


@pytest.fixture
def chain(pipeline: Pipeline) -> Iterator[PayerChain]:
    devnet = pipeline.flow.devnet
    one = PayerChain(RpcClient([devnet.l2_url], devnet.l2_chain_id), pipeline.flow.deployment, follow_clock=True)
    with closing(one):
        yield one


def enter(pipeline: Pipeline, url: str, book: Book, folder: Path, *, change: bool = False) -> Evidence:
    """Some receipts of the first batch, as a payer's side would have kept them."""
    evidence = Evidence(folder)
    with psycopg.connect(url) as connection:
        rows = dict(connection.execute("SELECT seq, signature FROM issued_receipts WHERE lane = 0").fetchall())
        signer = connection.execute("SELECT signer FROM issued_receipts LIMIT 1").fetchone()[0]
    for receipt in pipeline.receipts[:MINE]:
        kept = replace(receipt, duration_ms=receipt.duration_ms + 1) if change else receipt
        _enter(book, evidence, pipeline, kept, rows[receipt.seq], signer)
    return evidence


def _enter(book: Book, evidence: Evidence, pipeline: Pipeline, kept: Receipt, signature: bytes, signer: bytes) -> None:
    book.begin(kept.payer, kept.operator, pipeline.flow.deployment.l2.escrow, 0)
    book.send(Exchange(f"req_{kept.seq}", "http://gateway", kept.operator, kept.asset_id, 1, None, b"", 0))
    document = {
        "receipt": kept.to_json(), "salt": to_hex(bytes(32)), "signature": to_hex(signature), "signer": to_hex(signer),
        "set": [],
    }  # fmt: skip
    evidence.keep(parse_envelope(document))
    book.enter(kept, kept.digest(pipeline.flow.deployment.receipt_domain), f"req_{kept.seq}", 2**40)


def test_receipts_are_proven_to_be_in_their_batch_once(
    pipeline: Pipeline, indexed_url: str, api_url: str, book: Book, chain: PayerChain, tmp_path: Path
) -> None:
    assert MINE <= FIRST
    evidence = enter(pipeline, indexed_url, book, tmp_path)
    by_chain = Landing(book, evidence, chain, None).look()
    assert (by_chain.proven, by_chain.numbered) == (0, MINE)
    proven = Landing(book, evidence, chain, api_url).look()
    assert (proven.proven, proven.wrong, proven.waiting, proven.overdue) == (MINE, [], 0, [])
    again = Landing(book, evidence, chain, "http://127.0.0.1:9").look()  # nobody is asked twice
    assert again.proven == MINE


def test_a_batch_with_another_receipt_in_its_place_is_told(
    pipeline: Pipeline, indexed_url: str, api_url: str, book: Book, chain: PayerChain, tmp_path: Path
) -> None:
    evidence = enter(pipeline, indexed_url, book, tmp_path, change=True)
    found = Landing(book, evidence, chain, api_url).look()
    assert found.proven == 0
    assert len(found.wrong) == MINE
    assert "holds another receipt there" in found.wrong[0]


def test_a_proof_of_a_batch_that_the_ledger_does_not_have_proves_nothing(
    pipeline: Pipeline, indexed_url: str, api_url: str, book: Book, chain: PayerChain, tmp_path: Path
) -> None:
    evidence = enter(pipeline, indexed_url, book, tmp_path)

    def forge(path: str, body: bytes, answer: bytes) -> bytes:
        return answer.replace(b'"cumulativeFee"', b'"cumulativefee"').replace(b'"batchId":1', b'"batchId":2')

    with between(api_url, forge) as url:
        found = Landing(book, evidence, chain, url).look()
    assert found.proven == 0
    assert len(found.wrong) == MINE
