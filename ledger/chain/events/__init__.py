"""The contracts' events as frozen dataclasses, one module a contract.

Fields stand in the ABI's order under names of ours: snake_case, token amounts with `_units`.
A test compares every class with the committed ABI.
"""
