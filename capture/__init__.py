"""A source becomes a full frame buffer, and the bands of it that changed."""
