"""Hostile and honest callers together, for as long as one likes."""
