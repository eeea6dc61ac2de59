"""The ledger in PostgreSQL: column types, tables and sessions.

Every table has exactly one writer, named in its model's docstring. What the indexer writes can be dropped
and rebuilt from the chains and the blob archive; what the other stages write is authored and append-only.
"""
