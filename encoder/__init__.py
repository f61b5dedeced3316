"""Changed bands become JPEG frames: one thread, one encode for all who watch."""
