"""The parts of an exported graph: cropping, flip test, decoding (torch).

Written for the exporter: no in-place writes, no tables that depend on the batch, nothing
that reads a value. N people, K joints; W, H cells; w, h px of the crop.
"""
