"""Status 0 where the service in this container is ready.

Over TLS its certificate is not looked at: it names another host than this one. Where callers must
show a certificate, there is none to show here, and that the service listens has to do.
"""

import os
import socket
import ssl
import urllib.request

SECONDS = 5

port = int(os.environ.get("FACE_SERVER_PORT", "23535"))
if os.environ.get("FACE_SSL_CA_CERTS"):
    socket.create_connection(("127.0.0.1", port), timeout=SECONDS).close()
elif os.environ.get("FACE_SSL_CERTFILE"):
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    address = f"https://127.0.0.1:{port}/readyz"
    urllib.request.urlopen(address, timeout=SECONDS, context=anybody).close()
else:
    urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS).close()
