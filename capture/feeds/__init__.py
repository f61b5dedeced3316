"""Sources that deliver whole pictures: patterns, files, programs, cameras, other streams."""
