"""Placeholder until the gallery room brings its fixtures."""
