"""The Python API (docs/python.md): captures without a server, and servers as objects."""
