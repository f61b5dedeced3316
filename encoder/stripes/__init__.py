"""Stripes: full-width parts of the picture that are encoded apart, for who puts them together."""
