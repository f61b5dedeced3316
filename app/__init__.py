"""The server from options: the command line, and the wiring of all rooms."""
