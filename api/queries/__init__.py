"""The API's SQL, one file for each group of routes. Only reads, each bounded by a key, a page or an index."""
