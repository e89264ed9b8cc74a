"""Pixels: from files, from stores built once, or streamed."""
