"""Many runs of the study at once on one device, everything in its memory."""
