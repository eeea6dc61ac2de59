"""The HTTP interface: OpenAI's paths, and the gateway's own for payers, receipts and operation."""
