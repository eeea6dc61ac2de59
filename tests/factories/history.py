"""A history of batches as the index would hold it, and a second, slow reading of what it owes.

Everything is written to the indexer's tables as its verifier writes them, from the same receipts that
`owed_exactly` walks one by one in fractions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from math import floor

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ledger.db.models.indexer_batches import Batch
from ledger.db.models.indexer_chain import Head
from ledger.db.models.indexer_contributors import Contributor
from ledger.db.models.indexer_contributors import ContributorList as ContributorListRow
from ledger.db.models.indexer_receipts import BatchSum
from ledger.db.models.indexer_registry import Asset, EffectiveShare, Terms
from ledger.protocol.attribution import SetEntry
from ledger.protocol.contributors import ContributorList, contributors_root
from ledger.protocol.entitlement import ProtocolShare, RoyaltyTerms, weights
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import PPM, SHARE_ONE

CHAIN_ID = 901
AssetVersion = tuple[int, int]


def block_hash(number: int) -> bytes:
    return keccak256(b"block", number.to_bytes(8, "big"))


@dataclass(frozen=True)
class Use:
    """One receipt: what was served, for how much, drawing on what."""

    asset: AssetVersion
    fee_units: int
    entries: tuple[SetEntry, ...] = ()


@dataclass(frozen=True)
class PastBatch:
    batch_id: int
    operator: bytes
    uses: tuple[Use, ...]
    finalized_block: int | None
    verdict: str = "valid"

    @property
    def total_fee_units(self) -> int:
        return sum(use.fee_units for use in self.uses)


@dataclass(frozen=True)
class History:
    protocol: ProtocolShare
    terms: dict[AssetVersion, RoyaltyTerms]
    dataset_versions: dict[int, int] = field(default_factory=dict)
    """The version of each dataset in force throughout; assets that are no datasets are absent."""
    batches: tuple[PastBatch, ...] = ()
    finalized_head: int = 100
    lists: tuple[ContributorList, ...] = ()
    """Complete contributor lists; effective shares may name their payees."""

    def counted(self, through: int) -> list[PastBatch]:
        return [
            b
            for b in self.batches
            if b.finalized_block is not None and b.finalized_block <= through and b.verdict == "valid"
        ]

    def holders(self, payee: bytes, share: int) -> list[tuple[bytes, int]]:
        """Who holds a share: the payee, or its list's contributors, each by its own two sums of weights."""
        listed = next((listed for listed in self.lists if listed.payee == payee), None)
        if listed is None:
            return [(payee, share)]
        held = []
        for at, (contributor, _) in enumerate(listed.contributors):
            sums = [sum(c.weight for c in listed.contributors[:end]) for end in (at, at + 1)]
            before, upto = (floor(Fraction(share * total, listed.total_weight)) for total in sums)
            held.append((contributor, upto - before))
        return held

    def owed_exactly(self, through: int) -> dict[bytes, Fraction]:
        """Base units owed to each payee, receipt by receipt."""
        owed: dict[bytes, Fraction] = {}

        def owe(payee: bytes, amount: Fraction) -> None:
            if amount:
                owed[payee] = owed.get(payee, Fraction(0)) + amount

        def owe_share(payee: bytes, share: int, pot: Fraction) -> None:
            for holder, part in self.holders(payee, share):
                owe(holder, pot * Fraction(part, SHARE_ONE))

        for batch in self.counted(through):
            for use in batch.uses:
                terms, fee = self.terms[use.asset], Fraction(use.fee_units)
                royalty = fee * Fraction(terms.royalty_ppm, PPM)
                protocol = fee * Fraction(self.protocol.ppm, PPM)
                owe(self.protocol.payee, protocol)
                owe(batch.operator, fee - protocol - royalty)
                named = [e for e in use.entries if terms.by_attribution and e.asset_id in terms.datasets]
                to_data = sum((Fraction(e.ppm, PPM) for e in named), Fraction(0)) * Fraction(terms.data_ppm, PPM)
                for payee, share in terms.effective:
                    owe_share(payee, share, royalty * (1 - to_data))
                for entry in named:
                    part = royalty * Fraction(entry.ppm, PPM) * Fraction(terms.data_ppm, PPM)
                    for payee, share in self.terms[entry.asset_id, self.dataset_versions[entry.asset_id]].effective:
                        owe_share(payee, share, part)
        return owed

    def write(self, session: Session, *, heads: bool = True) -> None:
        """Puts the history into the indexer's tables; without `heads`, the caller says what is final."""
        write_registry(session, self)
        if heads:
            head = {"chain_id": CHAIN_ID, "number": self.finalized_head, "hash": block_hash(self.finalized_head)}
            for tag in ("latest", "safe", "finalized"):
                session.execute(insert(Head).values(**head, tag=tag, timestamp=1_700_000_000 + self.finalized_head))
        for batch in self.batches:
            write_batch(session, self, batch)


def event_place(log_index: int, number: int = 1) -> dict[str, object]:
    """Columns that name an event."""
    return {"chain_id": CHAIN_ID, "block_number": number, "block_hash": block_hash(number), "log_index": log_index}


def write_registry(session: Session, history: History) -> None:
    write_lists(session, history.lists)
    for log_index, asset_id in enumerate(sorted({asset_id for asset_id, _ in history.terms})):
        kind = "dataset" if asset_id in history.dataset_versions else "model"
        content = keccak256(b"asset", asset_id.to_bytes(4, "big"))
        row = {"asset_id": asset_id, "kind": kind, "content_hash": content, "registrant": b"\x0e" * 20, "uri": ""}
        session.execute(insert(Asset).values(**row, **event_place(log_index)))
    for log_index, ((asset_id, version), terms) in enumerate(history.terms.items()):
        place = event_place(1000 + log_index)
        session.execute(
            insert(Terms).values(
                asset_id=asset_id,
                version=version,
                effective_at=1_600_000_000 + version,
                royalty_ppm=terms.royalty_ppm,
                data_ppm=terms.data_ppm,
                min_child_ppm=0,
                floor_input_price_units=0,
                floor_output_price_units=0,
                mode="operator" if terms.by_attribution else "fixed",
                **place,
            )
        )
        shares = [
            {"asset_id": asset_id, "version": version, "position": i, "payee": payee, "share": share, **place}
            for i, (payee, share) in enumerate(terms.effective)
        ]
        session.execute(insert(EffectiveShare), shares)


def write_lists(session: Session, lists: Iterable[ContributorList]) -> None:
    for listed in lists:
        place = event_place(2000 + listed.list_id)
        closing = {f"completed_{name}": place[name] for name in ("block_number", "block_hash", "log_index")}
        session.execute(
            insert(ContributorListRow).values(
                list_id=listed.list_id,
                payee=listed.payee,
                publisher=b"\x0e" * 20,
                root=contributors_root(listed.contributors),
                count=len(listed.contributors),
                total_weight=listed.total_weight,
                **closing,
                **place,
            )
        )
        cumulative = accumulate(weight for _, weight in listed.contributors)
        rows = [
            {"list_id": listed.list_id, "position": at, "contributor": who, "weight": weight, "cumulative_weight": upto}
            for at, ((who, weight), upto) in enumerate(zip(listed.contributors, cumulative, strict=True))
        ]
        session.execute(insert(Contributor), [row | place for row in rows])


def write_batch(session: Session, history: History, batch: PastBatch) -> None:
    finalized = batch.finalized_block
    closing = {} if finalized is None else {
        "finalized_block_number": finalized,
        "finalized_block_hash": block_hash(finalized),
        "finalized_log_index": batch.batch_id,
        "finalized_at": 1_700_000_000 + finalized,
    }  # fmt: skip
    session.execute(
        insert(Batch).values(
            batch_id=batch.batch_id,
            fill=0,
            tx_hash=keccak256(b"tx", batch.batch_id.to_bytes(8, "big")),
            operator=batch.operator,
            lane=0,
            first_seq=batch.batch_id * 1000,
            count=len(batch.uses),
            payer_count=1,
            set_fe_count=0,
            total_fee_units=batch.total_fee_units,
            blob_count=1,
            base_time=1_690_000_000,
            attribution_method=bytes(32),
            attribution_params_hash=bytes(32),
            batch_commitment=keccak256(b"commitment", batch.batch_id.to_bytes(8, "big")),
            post_hash=keccak256(b"post", batch.batch_id.to_bytes(8, "big")),
            versioned_hashes=[b"\x01" + bytes(31)],
            reserve_units=0,
            committed_at=1_690_000_100,
            first_committed_at=1_690_000_100,
            terms_from=1_690_000_100 - 86_400,
            attested_at=1_690_000_050,
            verdict=batch.verdict,
            **closing,
            **event_place(batch.batch_id, number=1),
        )
    )
    if batch.verdict == "valid":
        _write_sums(session, history, batch)


def _write_sums(session: Session, history: History, batch: PastBatch) -> None:
    sums: Counter[tuple[int, int, int, int]] = Counter()
    uses: Counter[tuple[int, int, int, int]] = Counter()
    for use in batch.uses:
        for dataset_id, version, ppm in weights(
            history.terms[use.asset], use.entries, lambda d: history.dataset_versions.get(d, 1)
        ):
            sums[(*use.asset, dataset_id, version)] += use.fee_units * ppm
            uses[(*use.asset, dataset_id, version)] += 1
    rows = [
        {
            "batch_id": batch.batch_id,
            "fill": 0,
            "asset_id": key[0],
            "asset_version": key[1],
            "dataset_id": key[2],
            "dataset_version": key[3],
            "weighted_fee_units": total,
            "receipts": uses[key],
        }
        for key, total in sums.items()
    ]
    if rows:
        session.execute(insert(BatchSum), rows)
