"""Video to viewers: fragmented MP4 without an end."""
