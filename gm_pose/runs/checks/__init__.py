"""Checks of a merged config before its run writes anything."""
