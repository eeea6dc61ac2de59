"""What supervisors, operators and graphs are told about a running indexer, over HTTP."""
