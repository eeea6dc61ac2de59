"""Who pays: spend authorizations, API keys, and what each payer may still spend.

Input: authorizations that payers sign, their escrow accounts in safe L2 blocks. Output: rows of `spend_authorizations`
(which the batcher submits), `api_keys`, `spend_accounts` (against which the journal holds each request's exposure).

Invariant: spendable = what the escrow would surely pay, less everything served and not yet collected, less everything
held for open requests. Only deposits in safe blocks count; what thaws does not; nothing is served within POST_DEADLINE
of an authorization's end.
"""
