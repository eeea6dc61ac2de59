"""Posts receipts: their blobs on L1, the batch_commitment on L2, and, a window later, the batch's finalisation.

In: `issued_receipts` and `spend_authorizations` (written by serving), and both chains. Out: blob transactions to
BlobInbox, `authorize`, `commitBatch`, `finalizeBatch`, `refund` and `recommitBatch` on L2; `batch_jobs` and the tables beside it.

    selected ── encoded ─┬─ posted ── attested ─┬─ committed ── finalized
    (a run of   (blobs   │ (blobs     (the L2   │  (custody,    (paid to the
     receipts)   and KZG)│  on L1)     knows it)│   window)      distributor)
                         └─ stored ─────────────┘
                           (behind an Alt-DA server; demanded blobs are posted on L1)

Where a challenge voids a batch, its receipts become a job again: encoded and posted anew, all payers of the voided
filling refunded, and then `recommitBatch` into the hole, before it is final. Blobs that are those of the voided filling
are not posted again, unless all that was wrong with them is that they were not posted.

Invariants
- Each receipt of a lane is in exactly one batch, in order of seq, without a gap, from the lane's nextSeq on chain.
- A transaction's exact bytes are in `batch_transactions`, committed, before they are first sent. Another transaction
  for the same effect is made only when the first can no longer be mined.
- What the chains say decides; a job's state only remembers it. A reorg takes a job back to where the chains are.
- A batch whose blobs do not decode to an honest batch is never posted: the encoder's work is judged by the same
  rules that a challenger has.
- One batcher per operator: it holds a PostgreSQL lock on the very connection that it writes over.

A crash at any point leaves rows that say how far each job was; blobs that were not stored yet are made again, byte
for byte. To restart, run it again. A job that can't go on is `faulted`, with the reason; its lane waits for a person.
"""
