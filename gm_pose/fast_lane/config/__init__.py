"""What `--fast` changes in a merged config, and what can be set about it."""
