"""WCFRING1: frames in a file of shared memory, written by one program and read by any number."""
