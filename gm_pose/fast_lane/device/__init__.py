"""From a batch of crops and joints to what a network and its loss take."""
