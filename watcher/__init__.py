"""The watcher: anyone's own eyes on the ledger, with what it takes to act on what they see.

In: an L2 node, an L1 node, a beacon address or a blob archive; if wanted a key with gas, and signed receipts that
clients kept. Out: challenges of batches that break a rule, refunds pulled, penalties for receipts never posted, and a
report of all that. Needs no database and no operator's word: batches come from logs, bytes from blobs that are checked
against their hashes, rules from the contracts themselves.
Invariants: nothing is sent that the contract would refuse when simulated; what was signed is on disk before it is sent;
a state file remembers, so that a restart neither forgets a batch nor challenges one twice. A crash loses nothing: what
the file says can be rebuilt from the chains.
"""
