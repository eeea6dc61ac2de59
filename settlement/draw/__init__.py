"""The draw: receipts of consenting payers that an operator must open to the attesters before they sign a root.

Source: docs/spec/draw.md.
"""
