"""What subjects, collections and profiles may be called, as regular expressions.

Printable ASCII without slashes, spaces or control characters: a name fits into a URL's path, a
file name and a log line as it is.
"""

from __future__ import annotations

SUBJECT_ID = r"[A-Za-z0-9._:@-]{1,128}"
COLLECTION = r"[A-Za-z0-9._:@-]{1,64}"
PROFILE = r"[A-Za-z0-9._-]{1,64}"
API_KEY = r"[A-Za-z0-9._@-]{1,64}"
