"""Test screens, painted frame by frame; the same seed and number, the same frame."""
