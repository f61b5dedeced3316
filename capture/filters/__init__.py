"""What is done to a picture between its source and everybody who sees it."""
