"""The gateway that serves models and signs receipts, and the engine embedded in it."""
