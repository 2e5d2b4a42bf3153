"""What the service tells about itself: log lines, and numbers for Prometheus. Never about people."""

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which prometheus_client, once imported, keeps its values in files."""
