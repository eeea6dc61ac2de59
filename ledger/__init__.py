"""What every stage stands on: the protocol (pure), the chains, the database, the settings, the errors.

`ledger.protocol` alone is enough to verify everything that Tributary publishes.
"""
