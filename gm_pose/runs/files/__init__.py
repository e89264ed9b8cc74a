"""Files that are either the old ones or the whole new ones."""
