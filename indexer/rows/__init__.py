"""From decoded logs to rows: pure, deterministic, one file for each contract's events.

`interpret` turns the logs of a run of whole blocks into `Rows`; nothing here talks to a chain or to the database.
"""
