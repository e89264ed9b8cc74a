"""What a config trains on, and what its model makes of it: `gm_pose look`.

``training_samples`` take people as the first batches of a run have them,
``predicted_samples`` as a model sees them; ``findings`` say what is wrong with their
targets; ``sheets`` draw a person, and ``index_page`` lists them all.
"""
