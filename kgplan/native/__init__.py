"""Compiled loops: what takes most of the time, on arrays alone."""
