"""Timings of net2; each file is a script."""
