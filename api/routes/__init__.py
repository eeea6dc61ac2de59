"""The API's paths, one file for each group."""
