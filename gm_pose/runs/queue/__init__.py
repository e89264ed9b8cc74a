"""Many runs as jobs that several processes and machines share."""
