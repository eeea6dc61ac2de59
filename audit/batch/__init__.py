"""A batch's blobs: fetched, checked against their hashes, read byte by byte, judged rule by rule."""
