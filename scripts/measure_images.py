"""What the worst pictures that are taken cost: `python -m scripts.measure_images`.

One of each kind is made as large as the default limits allow, and decoded in a process of its own as the
engine would at worst: reduced first, then whole. Prints seconds of a core, MiB above the process without
it, and the size of the file. docs/decisions/0012-images.md has the table. Linux; takes some minutes.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from service.capture.heif import HeifPicture
from service.capture.heif_decoder import main as main_of_decoder
from service.capture.images import EncodedPhotograph, ImageLimits
from service.capture.jpeg_markers import MAX_SCANS
from service.domain.face import Decoded, Reason

LIMITS = ImageLimits(max_bytes=10 * 1024 * 1024, max_pixels=40_000_000, max_images=20)
WIDTH, HEIGHT = 8000, 5000
WEBP_WIDTH, WEBP_HEIGHT = 16383, 2441
DETECTOR_SIDE = 640


def flat(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    return Image.new("RGB", (width, height), (128, 90, 200))


def noise(levels: int, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """As many levels as fit into the bytes allowed."""
    gray = np.random.default_rng(0).integers(0, levels, (height, width), np.uint8)
    return Image.fromarray(np.repeat(gray[..., None] * (255 // levels), 3, axis=2))


def soft(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Detail enough to fill ten megabytes."""
    colors = np.random.default_rng(0).integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return Image.fromarray(colors).resize((width, height))


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def filled(image: Image.Image, format_: str, **options: object) -> bytes:
    """At the best quality that the bytes allow."""
    qualities = (40, 20, 10, 5, 2, 1)
    return next(
        data
        for quality in qualities
        if len(data := encoded(image, format_, quality=quality, **options)) <= LIMITS.max_bytes
    )


def with_scans(data: bytes) -> bytes:
    """The last scan of a progressive JPEG again, up to the limit of scans or of bytes."""
    last = data[data.rindex(b"\xff\xda") : -2]
    room = (LIMITS.max_bytes - len(data)) // len(last)
    return data[:-2] + last * min(MAX_SCANS - data.count(b"\xff\xda"), room) + data[-2:]


def deep_alpha() -> bytes:
    pixels = np.zeros((HEIGHT // 2, WIDTH, 4), np.uint16)
    return bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1])


def heic() -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(soft(WIDTH, HEIGHT // 2), "HEIF", quality=20)


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "JPEG, baseline, noise": lambda: filled(soft(), "JPEG", subsampling=0),
    "JPEG, progressive, 10 scans, noise": lambda: filled(
        soft(), "JPEG", subsampling=0, progressive=True
    ),
    "JPEG, progressive, 20 scans, 20 MP, flat": lambda: with_scans(
        encoded(flat(WIDTH, HEIGHT // 2), "JPEG", subsampling=0, progressive=True)
    ),
    "JPEG, progressive, CMYK, 20 MP": lambda: encoded(
        flat(WIDTH, HEIGHT // 2).convert("CMYK"), "JPEG", progressive=True
    ),
    "JPEG without its end, 20 MP": lambda: encoded(
        flat(WIDTH, HEIGHT // 2), "JPEG", subsampling=0, progressive=True
    )[:-2],
    "PNG, flat": lambda: encoded(flat(), "PNG", compress_level=9),
    "PNG with alpha": lambda: encoded(flat().convert("RGBA"), "PNG", compress_level=9),
    "PNG, 16 bits, alpha, 20 MP": deep_alpha,
    "WebP, lossy, noise": lambda: filled(soft(WEBP_WIDTH, WEBP_HEIGHT), "WEBP", method=0),
    "WebP, lossless, noise": lambda: encoded(
        noise(4, WEBP_WIDTH, WEBP_HEIGHT), "WEBP", lossless=True, quality=0, method=0
    ),
    "AVIF": lambda: filled(soft(), "AVIF", speed=10),
    "HEIC, 20 MP": heic,
}


def measured(path: Path) -> tuple[float, float]:
    """Seconds of a core and MiB, in a new Python."""
    command = [sys.executable, "-m", "scripts.measure_images", "--decode", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, mebibytes = done.stdout.split()[-2:]
    return float(seconds), float(mebibytes)


def decode(path: Path) -> None:
    photograph = EncodedPhotograph(path.read_bytes(), LIMITS)
    before, started = _peak_mebibytes(), time.process_time()
    picture = photograph.acceptable()
    if isinstance(picture, Reason):
        sys.exit(f"{path}: refused as {picture}")
    if isinstance(picture, HeifPicture):  # else its own program's share would not be seen
        main_of_decoder(picture.kind, 60, 2**33, io.BytesIO(picture.encoded), io.BytesIO())
    else:
        found = photograph.reduced(DETECTOR_SIDE)
        if isinstance(found, Decoded) and found.denominator > 1:
            photograph.pixels()
    print(time.process_time() - started, _peak_mebibytes() - before)


def _peak_mebibytes() -> float:
    """Of this program alone: what `getrusage` tells includes the one that started it."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decode", type=Path, help="decode one file and print its cost")
    if path := parser.parse_args().decode:
        return decode(path)
    print("| picture | s of a core | MiB | file, KiB |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, made in PICTURES.items():
            file = Path(folder) / "picture"
            file.write_bytes(made())
            seconds, mebibytes = measured(file)
            size = file.stat().st_size / 1024
            print(f"| {name} | {seconds:.1f} | {mebibytes:.0f} | {size:,.0f} |", flush=True)
    return None


if __name__ == "__main__":
    main()
