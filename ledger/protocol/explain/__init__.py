"""A file that shows why a payee is paid what it is paid, or where a receipt stands; and its check, offline.

`document` is the form, `seals` tell which field somebody changed, `batches` and `payout` redo the computation,
`receipt` looks at a single receipt. What the check can't derive it returns as `Anchors`: values to compare with the chain.
Source: docs/spec/explain.md.
"""
