"""The screen for HTTP caches: lists of names, and what has these names (docs/manifest.md)."""
