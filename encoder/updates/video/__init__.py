"""H.264 as an encoding of a rectangle that moves: which one, since when, and its frames."""
