"""Annotations, predictions of any program, and what a run's folder tells about it."""
