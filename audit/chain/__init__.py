"""What the contracts logged and hold: logs, plain decoding, and the histories that follow from them."""
