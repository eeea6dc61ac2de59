"""The blob archive held against what the chains name: which blobs are there and right, and where to get the others."""
