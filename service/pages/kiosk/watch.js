// The person before the camera is told how they look, until a picture of use can be taken.

import { ApiError } from "../common/api.js";
import { adviceOf } from "./advice.js";
import { COMPARED, LOOKED_AT } from "./camera.js";
import { pause } from "./pause.js";

/** Milliseconds from one question to the next at least; one is asked only when the last was answered. */
const APART = 250;

/** Answers in a row that find nothing to change before a picture is taken. */
const STEADY = 2;

/** Answers in a row that say "later" before the screen says so. */
const BUSY = 3;

/** Seconds to wait at most without a word: whoever waits longer is told, and may have left when it is over. */
const MOST_UNSAID = 5;

/** Milliseconds without a face after which nobody is there any more. */
const GONE = 30_000;

/** Milliseconds between two pictures that are compared. */
const BETWEEN_PICTURES = 300;

/** Nobody stands before the camera any more. */
export class Gone extends Error {}

/**
 * @typedef {object} Parts
 * @property {import("../common/api.js").Api} api
 * @property {import("./camera.js").Camera} camera
 * @property {import("./guide.js").Guide} guide
 * @property {import("../common/texts.js").Texts} texts
 */

/**
 * Resolves when the face is steady in the oval, or when the person wants a picture now.
 * @param {Parts} parts
 * @param {AbortSignal} signal
 * @param {EventTarget} now whose click takes the picture
 * @param {number} mostHeight share of the picture's that the face may have
 */
export async function untilSteady({ api, camera, guide, texts }, signal, now, mostHeight) {
  let steady = 0;
  let busy = 0;
  let seenAt = performance.now();
  let wanted = false;
  now.addEventListener("click", () => (wanted = true), { once: true, signal });
  while (steady < STEADY && !wanted) {
    const begun = performance.now();
    try {
      const advice = await looked(api, camera, signal, mostHeight);
      busy = 0;
      seenAt = advice.word === "word.no_face" ? seenAt : performance.now();
      steady = advice.state === "good" ? steady + 1 : 0;
      guide.show(advice.state, texts.get(advice.word), advice.detail, advice.direction);
    } catch (error) {
      busy = await backedOff(error, busy, signal);
      steady = 0;
    }
    if (performance.now() - seenAt > GONE) {
      throw new Gone();
    }
    await pause(Math.max(0, APART - (performance.now() - begun)), signal);
  }
}

/**
 * Pictures to be compared, taken one after the other.
 * @param {Parts} parts
 * @param {number} count
 * @param {AbortSignal} signal
 * @returns {Promise<Blob[]>}
 */
export async function taken({ camera, guide, texts }, count, signal) {
  guide.show("hold", texts.get("word.hold"));
  const pictures = [];
  for (let number = 0; number < count; number += 1) {
    await pause(number ? BETWEEN_PICTURES : 0, signal);
    pictures.push(await camera.frame(COMPARED));
  }
  return pictures;
}

/**
 * @param {import("../common/api.js").Api} api
 * @param {import("./camera.js").Camera} camera
 * @param {AbortSignal} signal
 * @param {number} mostHeight
 */
async function looked(api, camera, signal, mostHeight) {
  const form = new FormData();
  const frame = await camera.frame(LOOKED_AT);
  form.append("images", frame, "frame.jpg");
  const answer = await api.call("POST", "check", { form, signal });
  const scale = Math.min(1, LOOKED_AT / Math.max(camera.width, camera.height));
  return adviceOf(answer, { width: camera.width * scale, height: camera.height * scale }, mostHeight);
}

/**
 * Waits as long as a busy service asks for, if that is not long; whatever else went wrong is thrown on.
 * @param {unknown} error
 * @param {number} busy how often in a row before
 * @param {AbortSignal} signal
 * @returns {Promise<number>}
 */
async function backedOff(error, busy, signal) {
  const isBusy = error instanceof ApiError && error.isBusy;
  const seconds = isBusy ? error.retryAfter * 2 ** busy : 0;
  if (!isBusy || busy + 1 >= BUSY || seconds > MOST_UNSAID) {
    throw error;
  }
  await pause(seconds * 1000, signal);
  return busy + 1;
}
