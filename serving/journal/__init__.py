"""The gateway's durable record of requests: intents before the first byte, receipts after the last.

Input: `NewIntent` (a request that is about to be answered), checkpoints of what has left, `Closing` (how it ended).
Output: rows of `intents` and `issued_receipts`, and the signed receipt to send.

Invariants:
  - every request whose answer began has either an intent or a receipt, never both, never two receipts;
  - `seq` is gapless within (operator, lane): it is assigned in the transaction that inserts the receipt;
  - a payer's held exposure equals the sum over its open intents, changed in the same transactions;
  - only the process that holds the lane's epoch writes.

A crash leaves intents; the next process that takes the lane turns each into one receipt (see `recovery`).
"""
