"""Third stage: both chains' logs and the blobs, verified, as rows in PostgreSQL.

In: L1 (BlobInbox) and L2 (all our contracts, and the token where it touches them) over JSON-RPC; blobs from the archive
or a beacon endpoint. Out: the tables of ledger/db/models/indexer_*.py, the blob archive, and findings.

Invariants:
- Rows and cursor of a chain move in one transaction, which begins with a compare-and-set on the cursor: a second writer
  stops, and a crash leaves either all of a run or nothing.
- A row that an event made names its block; a reorganisation, told by block hashes and never by heights, deletes every
  row above the last common block and reopens what was closed there, in one transaction. Blocks that the chain called
  final are never undone.
- No receipt row is written before its blobs matched their versioned hashes, and none of a batch whose format is broken.
  A batch's rows depend on its commit's place, its blobs and what was logged on L2 before it, on nothing else: whichever
  chain is read first, and however often it starts over, the rows are the same, bit for bit (`digest`).
- What a node, beacon endpoint, archive or contract user says can be wrong in any way: it ends in a retry or a finding.
- Every move of the token is two rows that add up to zero, and each contract's buckets add up to its balance.

A crash leaves whole transactions and perhaps `*.part` files in the archive. To restart: start it. To start over:
`tributary index --rebuild`, which needs the blobs in the archive once beacon nodes have dropped them.
"""
