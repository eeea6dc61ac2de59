"""Attribution sets computed again from the texts of those who kept them, in the audit's own way."""
