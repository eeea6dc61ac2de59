"""What the API answers, as models: one file for each group of routes, `figures` for what they share."""
