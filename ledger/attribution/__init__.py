"""The engine of attribution: finds in milliseconds where an answer's words stand among the registered datasets.

What it finds it checks against the texts, and the texts against their contentHashes; `ledger.protocol.attribution`
makes the set from it. The function's tables and the common texts that nobody earns by are in `tables/`.
"""
