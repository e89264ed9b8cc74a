"""Training and evaluation at the hardware's limit: what `--fast` puts into a config."""
