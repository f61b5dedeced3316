"""Addresses that take what is sent to us: pictures, and what a recording is to do."""
