"""Results of many runs -> intervals, paired comparisons, selections, bootstrap."""
