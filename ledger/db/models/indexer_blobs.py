"""Posts on L1, their attestation on L2, blobs that other layers hold, and the blobs themselves. Writer: indexer."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, LogRow
from ledger.db.types import Address, ChainSeconds, Count, Hash32, KzgPoint, Sequence64


class Post(Base, LogRow):
    """Blobs that BlobInbox (L1) saw in one transaction; the same hashes may be posted again.

    By post hash: where a batch's blobs are to be fetched, and the L1 finality of a batch.
    """

    __tablename__ = "posts"
    __table_args__ = (Index(None, "post_hash"),)

    post_hash: Mapped[Hash32]
    poster: Mapped[Address]
    l1_time: Mapped[ChainSeconds]
    versioned_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    tx_hash: Mapped[Hash32]


class PostAttestation(Base, LogRow):
    """The L2 ledger learnt of a post. By post hash: whether a batch's blobs are attested, and since when."""

    __tablename__ = "post_attestations"
    __table_args__ = (Index(None, "post_hash"),)

    post_hash: Mapped[Hash32]
    l1_time: Mapped[ChainSeconds]


class DataCommitment(Base, LogRow):
    """Under what another data availability layer holds the blobs of a batch that was committed unattested.

    The operator's word, told on by the ledger: whoever reads there holds each blob against its versioned hash.
    By batch: where its blobs are to be asked for.
    """

    __tablename__ = "data_commitments"
    __table_args__ = (Index(None, "batch_id"),)

    batch_id: Mapped[Sequence64]
    data_commitment: Mapped[bytes] = mapped_column(LargeBinary)


class Blob(Base):
    """A blob that is in the archive and matched its versioned hash. Content-addressed: no reorg removes it."""

    __tablename__ = "blobs"

    versioned_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    kzg_commitment: Mapped[KzgPoint]


class BlobFetch(Base):
    """A post whose blobs are wanted and not yet had: how often they were asked for, and why that failed.

    Operational: no part of a rebuild's digest. By `next_attempt_at`: what is due.
    """

    __tablename__ = "blob_fetches"
    __table_args__ = (Index(None, "next_attempt_at"),)

    post_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    versioned_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    attempts: Mapped[Count]
    next_attempt_at: Mapped[int] = mapped_column(BigInteger)
    last_error: Mapped[str]
