// A photograph as the browser shows it, with the face that the service found.

import { element } from "../common/dom.js";

const DRAWN_PIXELS = 800;
/* Of the longer side as it is drawn, whatever the photograph has: the frame is as thick on all. */

/**
 * Null where the browser cannot read the file, as HEIC in most.
 * @param {File} file
 * @param {{x: number, y: number, width: number, height: number} | null} face pixels of the picture as it is shown
 * @param {string} label said aloud
 * @returns {Promise<HTMLCanvasElement | null>}
 */
export async function drawPhotograph(file, face, label) {
  const picture = await decoded(file);
  if (picture === null) return null;
  const scale = DRAWN_PIXELS / Math.max(picture.width, picture.height);
  const canvas = element("canvas", { role: "img", "aria-label": label, class: "photograph" });
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const pen = canvas.getContext("2d");
  pen?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  if (pen && face)
    frame(
      pen,
      [face.x, face.y, face.width, face.height].map((one) => one * scale),
    );
  return canvas;
}

/** @param {File} file */
async function decoded(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

/**
 * White within black, so that it is seen on light and dark pictures.
 * @param {CanvasRenderingContext2D} pen
 * @param {number[]} box
 */
function frame(pen, [x, y, width, height]) {
  const line = Math.max(2, pen.canvas.width / 200);
  for (const [color, size] of /** @type {[string, number][]} */ ([
    ["#000", line * 2],
    ["#fff", line],
  ])) {
    pen.strokeStyle = color;
    pen.lineWidth = size;
    pen.strokeRect(x, y, width, height);
  }
}
