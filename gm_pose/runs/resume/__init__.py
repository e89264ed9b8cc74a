"""State that a run continues from, or that is looked at again."""
