"""Who is owed what, in exact fractions, and whether roots, claims and token balances agree with it."""
