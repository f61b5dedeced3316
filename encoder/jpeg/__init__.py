"""The picture as an incremental JPEG."""
