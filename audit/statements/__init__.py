"""What others state about the chains (the API, a client's kept receipts), compared with the reading."""
