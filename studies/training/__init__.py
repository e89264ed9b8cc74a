"""One run of the study: data, config, training, evaluation, and the file of its result."""
