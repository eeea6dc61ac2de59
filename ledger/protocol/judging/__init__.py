"""What a batch broke of the rules that stand outside its own bytes, and the one-step proof that fits each fault.

In: a decoded batch, the registry and price list as columns and a rulebook, receipts that clients kept. Out: masks over
receipts, and proofs as positions to open. Faults of the batch's own bytes are found by `ledger.protocol.blob.faults`.
Everything here is pure: whoever judges brings blobs and rules, and sends what comes out.
Source: docs/spec/validity.md, docs/spec/contracts.md ("Challenges").
"""
