"""The process itself: libraries that it loads when it needs them, memory that it gives back."""
