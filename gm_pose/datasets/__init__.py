"""Data that the project makes itself (:mod:`gm_pose.datasets.synthetic_people`)."""
