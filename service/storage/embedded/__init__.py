"""The embedded PostgreSQL server of this machine."""
