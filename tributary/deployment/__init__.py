"""Puts the contracts on an L1 and its L2, whichever they are.

Addresses are known before anything is sent (they follow from the deployer and its nonces), so the contracts, which name
each other across both chains, are wired in their constructors and never after. What was planned is written down first:
a run that dies half-way goes on where it stopped.
"""
