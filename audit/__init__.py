"""The audit: a second, independent reading of the chains, from RPC, blobs and nothing else.

In: two JSON-RPC addresses, the blobs (beacon API, archive folder, or both), the deployment file; if wanted also the
API's address and a client's folder of signed receipts. Out: a verdict, and the first place where two readings differ.

Invariants. It shares with the indexer only `ledger.protocol`'s plain types and its hashing, KZG and signatures: logs
are decoded here with eth_abi, blobs byte by byte, money in exact fractions. It writes to no table and sends no
transaction, so it can be stopped and started at any time. Nothing that a beacon node, an archive or the API says is
believed: the chains are what it is compared with.

Read it in the order of `audit/reading.py`: chain/ → batch/ → money/ → statements/.
"""
