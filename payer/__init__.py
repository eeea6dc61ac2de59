"""A payer's own side: spending within a budget, and a check of every receipt, for any client of OpenAI's API.

In: requests of programs that know nothing of Tributary. Out: the same requests with an API key, caps signed a few
requests ahead, and a folder of receipts and transcripts that `tributary audit` and `tributary watch` read.

Invariants:
  - no cap above the budget is ever signed, and none below one that was signed before; a cap is on disk before it is sent;
  - what may be owed and is not covered by a kept receipt is at most the requests whose receipts are still to come;
  - after a receipt that does not hold nothing is signed and nothing is asked, until its owner says so.

A crash leaves exchanges without a receipt in the book; the next request asks the gateway for them first.
`payer.transport` has the httpx transports, `payer.proxy` the proxy; both stand on `payer.purse`.
"""
