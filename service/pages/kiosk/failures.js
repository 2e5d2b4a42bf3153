// What went wrong, as a screen that says what to do.

import { ApiError, NOT_OURS, UNREACHABLE } from "../common/api.js";
import { CameraError } from "./camera.js";

/** @typedef {import("./outcome.js").Outcome} Outcome */
/** @typedef {import("../common/texts.js").Texts} Texts */

/** Seconds until the first screen comes back by itself. */
const BACK = 30;

/** Seconds until a lost service is tried again, at most; the first time 2, then twice as long each time. */
const MOST_LOST = 20;

/** Where the person, or whoever runs the kiosk, can do something: how the visit goes on. */
const REPAIRED = ["unauthenticated", "not_allowed", "collection_not_found"];
const ASKED_ANEW = ["subject_not_found", "subject_exists"];
const FINAL = ["duplicate_subject", "subject_locked"];
const TRIED_AGAIN = ["no_usable_face", "inconsistent_images", "liveness_failed", "liveness_expired", "liveness_used"];

/**
 * @param {unknown} error
 * @param {Texts} texts
 * @param {number} tries how often in a row it has failed before
 * @returns {Outcome}
 */
export function failureOf(error, texts, tries) {
  if (error instanceof CameraError) {
    return {
      ...ownWords(error.code, texts),
      kind: "trouble",
      again: texts.get("again"),
      then: "done",
      seconds: BACK,
    };
  }
  return error instanceof ApiError ? ofCall(error, texts, tries) : unknown(error, texts);
}

/**
 * The same without another try by itself: whoever stands there then is not taken for who came in.
 * @param {Outcome} failure
 * @returns {Outcome}
 */
export function ended(failure) {
  return { ...failure, then: "done", seconds: BACK };
}

/**
 * @param {ApiError} error
 * @param {Texts} texts
 * @param {number} tries
 * @returns {Outcome}
 */
function ofCall(error, texts, tries) {
  const { code } = error;
  const again = texts.get("again");
  if (code === UNREACHABLE || code === NOT_OURS) {
    const seconds = Math.min(MOST_LOST, 2 * 2 ** tries);
    return { ...ownWords("unreachable", texts), kind: "trouble", again, then: "again", seconds };
  }
  if (REPAIRED.includes(code)) {
    const pair = texts.get("pair.again");
    return { ...ownWords(code, texts), kind: "trouble", fine: fine(error), again: pair, then: "pair", seconds: 0 };
  }
  if (FINAL.includes(code)) {
    return { ...ownWords(code, texts), kind: "no", then: "done", seconds: BACK };
  }
  if (ASKED_ANEW.includes(code)) {
    const other = texts.get("who.again");
    return { ...ownWords(code, texts), kind: "no", again: other, asksAgain: true, then: "done", seconds: BACK };
  }
  if (TRIED_AGAIN.includes(code)) {
    return { ...ownWords(code, texts), kind: "retry", reasons: reasons(error), again, then: "done", seconds: BACK };
  }
  if (error.isBusy) {
    return { ...ownWords("busy", texts), kind: "trouble", again, then: "again", seconds: error.retryAfter };
  }
  return { ...serviceWords(error, texts), kind: "trouble", fine: fine(error), again, then: "done", seconds: BACK };
}

/**
 * Our own words.
 * @param {string} code
 * @param {Texts} texts
 */
function ownWords(code, texts) {
  return { title: texts.get(`fail.${code}`), detail: texts.get(`fail.${code}.do`) };
}

/**
 * The service's words: of what a person before the camera seldom sees.
 * @param {ApiError} error
 * @param {Texts} texts
 */
function serviceWords(error, texts) {
  return { title: error.title || texts.get("fail.other"), detail: error.detail || texts.get("fail.other.do") };
}

/**
 * What whoever runs the kiosk looks for in the log.
 * @param {ApiError} error
 */
function fine({ code, requestId }) {
  return requestId ? `${code} · ${requestId}` : code;
}

/**
 * The advice for each refused picture, and what a liveness session lacked, each once.
 * @param {ApiError} error
 * @returns {string[]}
 */
function reasons({ errors, liveness }) {
  const advice = errors.map((each) => each.advice);
  const lacking = (liveness?.reasons ?? []).map((/** @type {{message: string}} */ each) => each.message);
  return [...new Set([...advice, ...lacking])].filter((each) => typeof each === "string");
}

/**
 * @param {unknown} error
 * @param {Texts} texts
 * @returns {Outcome}
 */
function unknown(error, texts) {
  const name = error instanceof Error ? error.name : "";
  return { ...ownWords("other", texts), kind: "trouble", fine: name, again: texts.get("again"), then: "done", seconds: BACK };
}
