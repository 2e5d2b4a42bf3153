"""Enrolls a person by one photograph and verifies them by another.

FACE_URL=http://127.0.0.1:23535 FACE_KEY=face_... python enroll.py default user-1 first.jpg second.jpg
"""

import os
import sys

from face_client import FaceClient
from face_client.errors import DuplicateSubject, NoUsableFace


def main(collection: str, subject_id: str, first: str, second: str) -> None:
    with FaceClient(os.environ["FACE_URL"], os.environ["FACE_KEY"], language="en") as client:
        try:
            client.enroll(subject_id, first, collection=collection)
        except DuplicateSubject as error:
            print("enrolled already:", error.errors)
            return
        except NoUsableFace as error:
            print("take another one:", error.errors[0]["advice"])
            return
        found = client.verify(subject_id, second, collection=collection)
        print("match" if found["match"] else "no match", found["recommendation"])


if __name__ == "__main__":
    main(*sys.argv[1:])
