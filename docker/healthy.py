"""Status 0 where the service in this container is ready."""

import os
import urllib.request

port = os.environ.get("FACE_SERVER_PORT", "23535")
urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
