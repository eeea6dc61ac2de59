"""One typed wrapper a contract: one method a function.

Views take `at`, the block they read at, and answer ints, bytes and frozen dataclasses. What
changes state answers a `Call` for a `Sender`; nothing is sent from here.
"""
