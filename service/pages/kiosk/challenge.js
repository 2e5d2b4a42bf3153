// The liveness challenge: one movement at a time, its frames in the order in which they were taken.

import { LOOKED_AT } from "./camera.js";
import { pause } from "./pause.js";

/** @typedef {import("./oval.js").Direction} Direction */

/** Frames of a movement, of which the last is taken where it has ended. */
const FRAMES = 8;

/** Frames of somebody who keeps still. */
const STILL_FRAMES = 2;

/** Milliseconds between two frames: all of them see a movement of a second or two from its start to its end. */
const APART = 320;

/** Milliseconds to read what is to be done, and of an advice, which is longer. */
const TO_READ = 1000;
const TO_READ_ADVICE = 2200;

/** The same, and to come back from where the movement before has ended. */
const TO_COME_BACK = 2000;

/** Before a mirror, one's own left is at the left. @type {Readonly<Record<string, Direction>>} */
const DIRECTIONS = {
  look_ahead: "none",
  turn_left: "left",
  turn_right: "right",
  look_up: "up",
  look_down: "down",
  come_closer: "closer",
};

/**
 * Goes through a new session.
 * @param {import("./watch.js").Parts} parts
 * @param {{purpose: "verify" | "enroll" | "search", collection: string, subjectId?: string}} about
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the session, to be sent in place of pictures
 */
export async function proven(parts, about, signal) {
  const session = await parts.api.call("POST", "liveness/sessions", { json: about, signal });
  const path = `liveness/sessions/${session.sessionId}/frames`;
  /** @type {number | null} */
  let next = 0;
  let advice = "";
  while (next !== null) {
    const { do: movement, message } = session.challenge[next];
    parts.guide.step(next + 1, session.challenge.length);
    parts.guide.show("move", advice || message, advice ? message : "", DIRECTIONS[movement] ?? "none");
    const isStill = movement === "look_ahead";
    await pause(advice ? TO_READ_ADVICE : isStill && next ? TO_COME_BACK : TO_READ, signal);
    const form = await filmed(parts, next, isStill ? STILL_FRAMES : FRAMES, signal);
    const answer = await parts.api.call("POST", path, { form, signal });
    advice = answer.accepted ? "" : (answer.advice ?? "");
    next = answer.next;
  }
  parts.guide.step();
  return session.sessionId;
}

/**
 * The frames of one step as a form.
 * @param {import("./watch.js").Parts} parts
 * @param {number} step
 * @param {number} count
 * @param {AbortSignal} signal
 * @returns {Promise<FormData>}
 */
async function filmed({ camera }, step, count, signal) {
  const form = new FormData();
  form.append("step", String(step));
  for (let number = 0; number < count; number += 1) {
    await pause(number ? APART : 0, signal);
    form.append("images", await camera.frame(LOOKED_AT), `${number}.jpg`);
  }
  return form;
}
