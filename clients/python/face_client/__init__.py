"""A client of the face enrollment service: `FaceClient`, and `AsyncFaceClient` for asyncio."""

from face_client.client import AsyncFaceClient, FaceClient
from face_client.errors import FaceClientError, Problem, ServiceUnreachable, UnexpectedAnswer
from face_client.outcome import Retries
from face_client.photos import Camera, Directory, Embedding, LivenessSession, bgr, rgb

__all__ = [
    "AsyncFaceClient",
    "Camera",
    "Directory",
    "Embedding",
    "FaceClient",
    "FaceClientError",
    "LivenessSession",
    "Problem",
    "Retries",
    "ServiceUnreachable",
    "UnexpectedAnswer",
    "bgr",
    "rgb",
]
