"""Updates by name: pixels as groups that caches keep, and lists of these (docs/manifest.md)."""
