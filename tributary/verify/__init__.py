"""`tributary verify`: files that explain a payout or a receipt, checked offline; what they rest on, compared with a node."""
