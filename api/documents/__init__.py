"""Statements and invoices: what they say, and how they look as CSV and PDF."""
