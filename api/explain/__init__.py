"""Files that show where an amount comes from, for `tributary verify`: computed once each, then kept by their content."""
