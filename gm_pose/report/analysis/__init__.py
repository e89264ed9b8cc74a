"""Errors of a run by joint, kind and group of people; differences between runs."""
