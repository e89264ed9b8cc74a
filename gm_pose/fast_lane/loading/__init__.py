"""Datasets whose unit is the batch, and the sampler of several machines."""
