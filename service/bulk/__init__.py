"""People to enroll, many at once: from folders, CSV, JSON lines and Parquet."""
