"""An X11 display as a source."""
