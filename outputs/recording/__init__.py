"""Recordings: frames become files, whose times are true and which never fill the disk."""
