"""Windows of a display: which are masked or shown, and where they are."""
