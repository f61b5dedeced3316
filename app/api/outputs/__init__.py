"""What a capture of the Python API can give, an output a file."""
