"""The `tributary` program: it starts the stages, and what they need on a machine of one's own.

Stands on top of everything and is imported by nothing: devnet (an L1 and an OP Stack L2), embedded PostgreSQL,
building and deploying the contracts, the demo.
"""
