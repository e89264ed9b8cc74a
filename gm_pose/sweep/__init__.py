"""Sigma tables compared on a user's own joints: candidates, data parts, runs, result."""
