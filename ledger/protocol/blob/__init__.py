"""Blob format 1: a batch of receipts as field elements, and their KZG proofs."""
