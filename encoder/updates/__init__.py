"""Only what changed: pictures become records of updates (docs/updates.md).  Pure functions."""
