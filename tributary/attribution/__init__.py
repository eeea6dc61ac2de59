"""`tributary attribution`: the library of registered texts, and what it says of answers and receipts."""
