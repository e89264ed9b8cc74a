"""`gm_pose report`: what a run gets right and wrong, and whether another is better."""
