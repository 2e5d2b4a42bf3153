"""How fast, how small and how exact the service is, next to named peers: `python -m scripts.bench`."""
