// What one person does at the kiosk, from the first question to the answer.

import { ApiError, isName } from "../common/api.js";
import { byId } from "../common/dom.js";
import { compared } from "./comparison.js";
import { enrolled, identified, verified } from "./decisions.js";
import { tell } from "./screens.js";

/** @typedef {import("./outcome.js").Outcome} Outcome */
/** @typedef {"verify" | "enroll" | "identify"} Task */
/** @typedef {"verify" | "enroll" | "search"} Purpose */

/**
 * @typedef {object} Pairing what the kiosk was told when it was paired
 * @property {string} collection
 * @property {Task[]} tasks
 * @property {Set<Purpose>} challenged for what a liveness session is known to be required
 * @property {{reference: string, text: string}} consent
 */

/** @typedef {import("./watch.js").Parts & {screens: import("./screens.js").Screens, pairing: Pairing}} KioskParts */

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

/**
 * @param {Task} task
 * @param {KioskParts} parts
 * @param {Person} person
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome>}
 */
export async function perform(task, parts, person, signal) {
  if (task === "identify") {
    return identified(await compared(parts, "search", "identify", {}, signal), parts.texts);
  }
  await askWho(task, parts, person, signal);
  const subject = { subjectId: person.subjectId };
  if (task === "verify") {
    return verified(await compared(parts, "verify", "verify", subject, signal), parts.texts);
  }
  await askConsent(parts, person, signal);
  return enrolled(await enroll(parts, person, signal), parts.texts);
}

/**
 * The answer to an enrollment. Where an earlier one came to its end and its answer was lost on the way, the
 * pictures of this one are others under the same key: then the person is enrolled.
 * @param {KioskParts} parts
 * @param {Person} person
 * @param {AbortSignal} signal
 * @returns {Promise<{subjectId: string}>}
 */
async function enroll(parts, { subjectId, enrollment }, signal) {
  const fields = { subjectId, consentReference: parts.pairing.consent.reference };
  try {
    return await compared(parts, "enroll", "enroll", fields, signal, { "Idempotency-Key": enrollment });
  } catch (error) {
    if (error instanceof ApiError && error.code === "idempotency_conflict") {
      return { subjectId };
    }
    throw error;
  }
}

/**
 * @param {Task} task
 * @param {KioskParts} parts
 * @param {Person} person
 * @param {AbortSignal} signal
 */
async function askWho(task, { screens, texts }, person, signal) {
  if (person.subjectId) {
    return;
  }
  const field = byId("subject", HTMLInputElement);
  byId("who-title", HTMLElement).textContent = texts.get(`who.${task}`);
  const accepts = () => {
    const given = field.value.trim();
    return tell(field, isName(given) ? "" : texts.get(given ? "who.wrong" : "who.empty"));
  };
  await screens.choice("who", signal, { accepts });
  person.subjectId = field.value.trim();
}

/**
 * @param {KioskParts} parts
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
