"""Starting a run: its processes, what every run gets, and how it ends."""
