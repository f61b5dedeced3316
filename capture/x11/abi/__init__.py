"""The C functions that are called by way of cffi: declared in xcb.h, read in xcbtypes.py."""
