"""OpenCV, told to keep its complaints to itself.

Hostile uploads and absent cameras are daily business and answered by values and errors; on stderr
OpenCV would add lines per image, and FFmpeg the stream's URL with its password. An operator who
sets these variables gets the lines back.
"""

from __future__ import annotations

import os

# FFmpeg's own level "quiet" (AV_LOG_QUIET, libavutil/log.h); read when a capture is first opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

__all__ = ["cv2"]
