"""Several feeds in one picture."""
