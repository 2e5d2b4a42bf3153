"""Search vectors in memory: what a probe has to be compared with, found without the database."""
