"""Sockets, and the messages on them."""
