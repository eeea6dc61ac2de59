"""One engine for backfill and for following the head, one instance a chain.

`source` reads a node and believes nothing that does not hang together; `store` writes rows and cursor in one
transaction, fenced by the stored head; `follower` runs the two against each other.
"""
