"""Keypoint AP of a whole data set from packed arrays, in numpy alone."""
