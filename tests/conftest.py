"""Imports gm_pose before any test imports mmpose: it puts the stand-ins in."""

import torch

import gm_pose  # noqa: F401

# The tests' maps are small: threads would only fight over the cores with the data
# loaders and child processes that some of them start.
torch.set_num_threads(1)
