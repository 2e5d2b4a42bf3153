// From the camera to the service's answer: pictures, or a session where a challenge is required.

import { ApiError, UNREACHABLE } from "../common/api.js";
import { byId } from "../common/dom.js";
import { MOST_HEIGHT, MOST_HEIGHT_OF_CHALLENGED } from "./advice.js";
import { proven } from "./challenge.js";
import { pause } from "./pause.js";
import { taken, untilSteady } from "./watch.js";

/** @typedef {import("./visit.js").KioskParts} KioskParts */
/** @typedef {import("./visit.js").Purpose} Purpose */
/** @typedef {import("./visit.js").Task} Task */

/** Pictures of which one template, and one comparison, is made. */
const ENROLLED = 4;
const COMPARED = 2;

/** Seconds to wait at most before a call is sent a second time, unseen. */
const MOST_UNSEEN = 5;

/**
 * The answer to a call with the face that is before the camera now.
 * @param {KioskParts} parts
 * @param {Purpose} purpose
 * @param {Task} path
 * @param {Record<string, string>} fields
 * @param {AbortSignal} signal
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function compared(parts, purpose, path, fields, signal, headers = {}) {
  const isChallenged = parts.pairing.challenged.has(purpose);
  const form = await face(parts, purpose, fields, isChallenged, signal);
  parts.screens.show("wait");
  byId("wait-title", HTMLElement).textContent = parts.texts.get(`wait.${path}`);
  try {
    return await sent(parts, path, form, signal, headers);
  } catch (error) {
    if (isChallenged || !(error instanceof ApiError && error.code === "liveness_required")) {
      throw error;
    }
    parts.pairing.challenged.add(purpose);
    return compared(parts, purpose, path, fields, signal, headers);
  }
}

/**
 * Opens the camera, and makes a form of what is to be compared. The camera is closed at its end.
 * @param {KioskParts} parts
 * @param {Purpose} purpose
 * @param {Record<string, string>} fields
 * @param {boolean} isChallenged
 * @param {AbortSignal} signal
 * @returns {Promise<FormData>}
 */
async function face(parts, purpose, fields, isChallenged, signal) {
  const { camera, guide, screens, texts, pairing } = parts;
  byId("camera-title", HTMLElement).textContent = texts.get(`camera.${purpose}`);
  guide.step();
  screens.show("camera");
  guide.show("search", texts.get("word.opens"), texts.get("word.opens.do"));
  await camera.open(signal);
  guide.fit(camera.width, camera.height);
  const form = new FormData();
  for (const [name, value] of Object.entries({ collection: pairing.collection, ...fields })) {
    form.append(name, value);
  }
  try {
    const mostHeight = isChallenged ? MOST_HEIGHT_OF_CHALLENGED : MOST_HEIGHT;
    await untilSteady(parts, signal, byId("now", HTMLElement), mostHeight);
    if (isChallenged) {
      const about = purpose === "search" ? {} : { subjectId: fields.subjectId };
      const session = { purpose, collection: pairing.collection, ...about };
      form.append("livenessSession", await proven(parts, session, signal));
    } else {
      const pictures = await taken(parts, purpose === "enroll" ? ENROLLED : COMPARED, signal);
      pictures.forEach((picture, number) => form.append("images", picture, `${number}.jpg`));
    }
  } finally {
    camera.close();
  }
  return form;
}

/**
 * Once more where the network broke or the service was busy for a moment: the same call, with the same key.
 * @param {KioskParts} parts
 * @param {Task} path
 * @param {FormData} form
 * @param {AbortSignal} signal
 * @param {Record<string, string>} headers
 * @returns {Promise<any>}
 */
async function sent({ api }, path, form, signal, headers) {
  try {
    return await api.call("POST", path, { form, signal, headers });
  } catch (error) {
    const passes = error instanceof ApiError && (error.isBusy || error.code === UNREACHABLE);
    if (!passes || error.retryAfter > MOST_UNSEEN) {
      throw error;
    }
    await pause(error.retryAfter * 1000, signal);
    return api.call("POST", path, { form, signal, headers });
  }
}
