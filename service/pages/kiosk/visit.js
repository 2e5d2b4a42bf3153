// What one person does at the kiosk, from the first question to the answer.

import { ApiError, UNREACHABLE } from "../common/api.js";
import { byId } from "../common/dom.js";
import { MOST_HEIGHT, MOST_HEIGHT_OF_CHALLENGED } from "./advice.js";
import { proven } from "./challenge.js";
import { enrolled, identified, verified } from "./decisions.js";
import { pause } from "./pause.js";
import { tell } from "./screens.js";
import { taken, untilSteady } from "./watch.js";

/** @typedef {import("./outcome.js").Outcome} Outcome */
/** @typedef {"verify" | "enroll" | "identify"} Door */
/** @typedef {"verify" | "enroll" | "search"} Purpose */

/**
 * @typedef {object} Pairing what the kiosk was told when it was paired
 * @property {string} collection
 * @property {Door[]} doors
 * @property {Set<Purpose>} challenged for what a liveness session is known to be required
 * @property {{reference: string, text: string}} consent
 */

/** @typedef {import("./watch.js").Kit & {screens: import("./screens.js").Screens, pairing: Pairing}} KioskKit */

/** Who is before the camera, for as long as they are. */
export class Person {
  subjectId = "";
  hasConsented = false;
  /** The `Idempotency-Key` of one enrollment, however often it is sent. */
  enrollment = newKey();

  /** They are asked anew who they are. */
  forgetName() {
    this.subjectId = "";
    this.enrollment = newKey();
  }
}

/** Only pages over HTTPS and on this machine, which alone get a camera, can make one at random. */
function newKey() {
  return crypto.randomUUID?.() ?? "";
}

/** Pictures of which one template, and one comparison, is made. */
const ENROLLED = 4;
const COMPARED = 2;

/** As the service has it. */
const SUBJECT = /^[A-Za-z0-9._:@-]{1,128}$/;

/** Seconds to wait at most before a call is sent a second time, unseen. */
const MOST_UNSEEN = 5;

/**
 * @param {Door} door
 * @param {KioskKit} kit
 * @param {Person} person
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
export async function walk(door, kit, person, signal) {
  if (door === "identify") {
    return identified(await compared(kit, "search", "identify", {}, signal), kit.texts);
  }
  await askWho(door, kit, person, signal);
  const subject = { subjectId: person.subjectId };
  if (door === "verify") {
    return verified(await compared(kit, "verify", "verify", subject, signal), kit.texts);
  }
  await askConsent(kit, person, signal);
  return enrolled(await enroll(kit, person, signal), kit.texts);
}

/**
 * The answer to an enrollment. Where an earlier one came to its end and its answer was lost on the way, the
 * pictures of this one are others under the same key: then the person is enrolled.
 * @param {KioskKit} kit
 * @param {Person} person
 * @param {AbortSignal} signal
 * @returns {Promise<{subjectId: string}>}
 */
async function enroll(kit, { subjectId, enrollment }, signal) {
  const fields = { subjectId, consentReference: kit.pairing.consent.reference };
  try {
    return await compared(kit, "enroll", "enroll", fields, signal, { "Idempotency-Key": enrollment });
  } catch (error) {
    if (error instanceof ApiError && error.code === "idempotency_conflict") {
      return { subjectId };
    }
    throw error;
  }
}

/**
 * @param {Door} door
 * @param {KioskKit} kit
 * @param {Person} person
 * @param {AbortSignal} signal
 */
async function askWho(door, { screens, texts }, person, signal) {
  if (person.subjectId) {
    return;
  }
  const field = byId("subject", HTMLInputElement);
  byId("who-title", HTMLElement).textContent = texts.get(`who.${door}`);
  const accepts = () => {
    const given = field.value.trim();
    const isRight = SUBJECT.test(given) && given !== "." && given !== "..";
    return tell(field, isRight ? "" : texts.get(given ? "who.wrong" : "who.empty"));
  };
  await screens.choice("who", signal, { accepts });
  person.subjectId = field.value.trim();
}

/**
 * @param {KioskKit} kit
 * @param {Person} person
 * @param {AbortSignal} signal
 */
async function askConsent({ screens, texts, pairing }, person, signal) {
  if (person.hasConsented) {
    return;
  }
  const { reference, text } = pairing.consent;
  const box = byId("agree", HTMLInputElement);
  byId("consent-text", HTMLElement).textContent = text || texts.get("consent.text");
  byId("consent-reference", HTMLElement).textContent = texts.get("consent.reference", { reference });
  const accepts = () => tell(box, box.checked ? "" : texts.get("consent.needed"));
  await screens.choice("consent", signal, { accepts });
  person.hasConsented = true;
}

/**
 * The answer to a call with the face that is before the camera now.
 * @param {KioskKit} kit
 * @param {Purpose} purpose
 * @param {Door} path
 * @param {Record<string, string>} fields
 * @param {AbortSignal} signal
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
async function compared(kit, purpose, path, fields, signal, headers = {}) {
  const isChallenged = kit.pairing.challenged.has(purpose);
  const form = await face(kit, purpose, fields, isChallenged, signal);
  kit.screens.show("wait");
  byId("wait-title", HTMLElement).textContent = kit.texts.get(`wait.${path}`);
  try {
    return await sent(kit, path, form, signal, headers);
  } catch (error) {
    if (isChallenged || !(error instanceof ApiError && error.code === "liveness_required")) {
      throw error;
    }
    kit.pairing.challenged.add(purpose);
    return compared(kit, purpose, path, fields, signal, headers);
  }
}

/**
 * Opens the camera, and makes a form of what is to be compared. The camera is closed at its end.
 * @param {KioskKit} kit
 * @param {Purpose} purpose
 * @param {Record<string, string>} fields
 * @param {boolean} isChallenged
 * @param {AbortSignal} signal
 * @returns {Promise<FormData>}
 */
async function face(kit, purpose, fields, isChallenged, signal) {
  const { camera, guide, screens, texts, pairing } = kit;
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
    await untilSteady(kit, signal, byId("now", HTMLElement), mostHeight);
    if (isChallenged) {
      const about = purpose === "search" ? {} : { subjectId: fields.subjectId };
      const session = { purpose, collection: pairing.collection, ...about };
      form.append("livenessSession", await proven(kit, session, signal));
    } else {
      const pictures = await taken(kit, purpose === "enroll" ? ENROLLED : COMPARED, signal);
      pictures.forEach((picture, number) => form.append("images", picture, `${number}.jpg`));
    }
  } finally {
    camera.close();
  }
  return form;
}

/**
 * Once more where the network broke or the service was busy for a moment: the same call, with the same key.
 * @param {KioskKit} kit
 * @param {Door} path
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
