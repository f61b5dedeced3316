"""Streams: one thread sends them all."""
