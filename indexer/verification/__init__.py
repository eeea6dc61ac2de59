"""From a committed batch and its blobs to verified rows, or to findings.

Judging is pure: columns, the commit and the rules in force go in; receipts, sums and findings come out. Only
`store` and `verifier` touch the database.
"""
