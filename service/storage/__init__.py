"""PostgreSQL: tables, search, audit, the embedded server."""
