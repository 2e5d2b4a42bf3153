// The camera of the kiosk: opened for one visit, closed with it. Its frames are sent as they are; only the
// preview is a mirror.

import { byId } from "../common/dom.js";

/** @typedef {"insecure" | "no_camera" | "camera_refused" | "camera_in_use" | "camera_lost"} CameraCode */

/** Pixels of the longer side: to look at several times a second, and to be compared. */
export const LOOKED_AT = 640;
export const COMPARED = 1280;

const QUALITY = 0.9;

/** The camera cannot be used, and why. */
export class CameraError extends Error {
  /** @param {CameraCode} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** What browsers call it, and what it is. @type {Readonly<Record<string, CameraCode>>} */
const CAUSES = {
  NotAllowedError: "camera_refused",
  SecurityError: "camera_refused",
  NotFoundError: "no_camera",
  OverconstrainedError: "no_camera",
  NotReadableError: "camera_in_use",
  AbortError: "camera_in_use",
};

export class Camera {
  constructor() {
    this._video = byId("video", HTMLVideoElement);
    this._canvas = document.createElement("canvas");
    /** @type {MediaStream | null} */
    this._stream = null;
    this._isLost = false;
  }

  /**
   * Raises CameraError.
   * @param {AbortSignal} signal closes it
   */
  async open(signal) {
    const stream = await opened();
    if (signal.aborted) {
      stop(stream);
      signal.throwIfAborted();
    }
    this._stream = stream;
    this._isLost = false;
    signal.addEventListener("abort", () => this.close(), { once: true });
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => (this._isLost = true));
    }
    this._video.srcObject = stream;
    await this._video.play();
  }

  close() {
    if (this._stream !== null) {
      stop(this._stream);
      this._stream = null;
      this._video.srcObject = null;
    }
  }

  get width() {
    return this._video.videoWidth;
  }

  get height() {
    return this._video.videoHeight;
  }

  /**
   * What it sees now, as JPEG, not mirrored. Raises CameraError where it is gone.
   * @param {number} longest pixels of the longer side; no picture is made larger
   * @returns {Promise<Blob>}
   */
  async frame(longest) {
    if (this._isLost || this._stream === null || this.width === 0) {
      throw new CameraError("camera_lost");
    }
    const scale = Math.min(1, longest / Math.max(this.width, this.height));
    this._canvas.width = Math.round(this.width * scale);
    this._canvas.height = Math.round(this.height * scale);
    const context = this._canvas.getContext("2d");
    context?.drawImage(this._video, 0, 0, this._canvas.width, this._canvas.height);
    const blob = await new Promise((done) => this._canvas.toBlob(done, "image/jpeg", QUALITY));
    if (blob === null) {
      throw new CameraError("camera_lost");
    }
    return blob;
  }
}

/** @returns {Promise<MediaStream>} */
async function opened() {
  if (!window.isSecureContext || navigator.mediaDevices === undefined) {
    throw new CameraError("insecure");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } },
    });
  } catch (error) {
    throw new CameraError(CAUSES[error instanceof Error ? error.name : ""] ?? "camera_in_use");
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) {
    track.stop();
  }
}
