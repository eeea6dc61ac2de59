"""The protocol alone: bytes, hashes, signatures, proofs and money rules, with no I/O.

A third party can verify every promise of Tributary with this package and the chains' bytes.
Nothing here reads a clock, a file, an environment variable, a database or a network.
"""
