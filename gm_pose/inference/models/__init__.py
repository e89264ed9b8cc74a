"""From a checkpoint, a config or a published name to what a backend is built of."""
