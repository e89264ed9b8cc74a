"""The annotated people of a dataset as arrays, packed once and mapped into memory."""
