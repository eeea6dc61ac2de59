"""`tributary register`: a file or folder becomes an asset, previewed first and resumable at every step."""
