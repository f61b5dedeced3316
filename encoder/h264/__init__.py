"""The screen as H.264."""
