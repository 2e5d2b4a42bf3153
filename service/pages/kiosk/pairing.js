// The kiosk gets its key: by the fragment of the address, or typed in once. It is kept in memory alone.

import { Api, ApiError } from "../common/api.js";
import { byId } from "../common/dom.js";
import { tell } from "./screens.js";

/** @typedef {import("./visit.js").Task} Task */
/** @typedef {import("./visit.js").Pairing} Pairing */

/** @type {Task[]} */
const TASKS = ["verify", "identify", "enroll"];

const USUAL = "verify,enroll";

/** Of the consent text that the page itself has; another text has another reference. */
const OWN_CONSENT = "face-kiosk-1";

/**
 * @param {Map<string, string>} fragment
 * @returns {Pairing}
 */
export function pairingOf(fragment) {
  const wanted = (fragment.get("do") ?? USUAL).split(",");
  return {
    collection: fragment.get("collection") || "default",
    tasks: TASKS.filter((task) => wanted.includes(task)),
    challenged: new Set(fragment.get("liveness") === "1" ? ["verify", "enroll", "search"] : []),
    consent: {
      reference: fragment.get("consent") || OWN_CONSENT,
      text: fragment.get("consentText") ?? "",
    },
  };
}

/**
 * Asks for a key.
 * @param {import("./screens.js").Screens} screens
 * @param {import("../common/texts.js").Texts} texts
 * @param {Pairing} pairing gets the collection that is typed in
 * @returns {Promise<string>}
 */
export async function askKey(screens, texts, pairing) {
  const key = byId("key", HTMLInputElement);
  const collection = byId("collection", HTMLInputElement);
  collection.value = pairing.collection;
  const accepts = () => tell(key, key.value.trim() ? "" : texts.get("pair.empty"));
  await screens.choice("pair", null, { accepts, stays: true });
  pairing.collection = collection.value.trim() || "default";
  const given = key.value.trim();
  key.value = "";
  return given;
}

/**
 * What the key may do of what is wanted. Calls without a face come to nothing, but tell whether they were
 * allowed. Raises what a call raises: a wrong key, a lost service, a key that may do nothing of it.
 * @param {Api} api
 * @param {Task[]} wanted
 * @returns {Promise<Task[]>}
 */
export async function allowed(api, wanted) {
  const answers = await Promise.all(wanted.map((task) => refusal(api, task)));
  const serious = answers.find((error) => error.status !== 400 && error.code !== "not_allowed");
  const tasks = wanted.filter((_, index) => answers[index].status === 400);
  if (serious ?? !tasks.length) {
    throw serious ?? answers[0] ?? new ApiError(403, { code: "not_allowed" });
  }
  return tasks;
}

/**
 * @param {Api} api
 * @param {Task} task
 * @returns {Promise<ApiError>}
 */
async function refusal(api, task) {
  try {
    await api.call("POST", task, { json: {} });
  } catch (error) {
    if (error instanceof ApiError) {
      return error;
    }
    throw error;
  }
  return new ApiError(400, { code: "invalid_request" });
}
