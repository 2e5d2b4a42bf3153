// What an answer of the service means for the person before the camera.

/** @typedef {import("./outcome.js").Outcome} Outcome */
/** @typedef {import("../common/texts.js").Texts} Texts */

/** Seconds until the first screen comes back: a yes is read at once. */
const AFTER_YES = 8;
const AFTER_NO = 20;

/**
 * @param {any} answer of /verify
 * @param {Texts} texts
 * @returns {Outcome}
 */
export function verified(answer, texts) {
  if (answer.match) {
    return yes(texts, "verify", answer.subjectId);
  }
  const reasons = (answer.liveness?.reasons ?? []).map((/** @type {{message: string}} */ each) => each.message);
  if (answer.liveness?.verdict === "inconclusive") {
    return retry(texts, "live", reasons);
  }
  if (answer.liveness?.verdict === "attack_suspected") {
    return no(texts, "live");
  }
  return answer.recommendation === "recapture" ? retry(texts, "verify", []) : no(texts, "verify");
}

/**
 * @param {any} answer of /identify
 * @param {Texts} texts
 * @returns {Outcome}
 */
export function identified(answer, texts) {
  return answer.match ? yes(texts, "identify", answer.candidates[0].subjectId) : no(texts, "identify");
}

/**
 * @param {any} answer of /enroll
 * @param {Texts} texts
 * @returns {Outcome}
 */
export function enrolled(answer, texts) {
  return yes(texts, "enroll", answer.subjectId);
}

/**
 * @param {Texts} texts
 * @param {string} call
 * @param {string} subject
 * @returns {Outcome}
 */
function yes(texts, call, subject) {
  const title = texts.get(`yes.${call}`);
  return { kind: "yes", title, detail: texts.get(`yes.${call}.who`, { subject }), then: "done", seconds: AFTER_YES };
}

/**
 * @param {Texts} texts
 * @param {string} call
 * @returns {Outcome}
 */
function no(texts, call) {
  const again = texts.get("again");
  const detail = texts.get(`no.${call}.do`);
  return { kind: "no", title: texts.get(`no.${call}`), detail, again, then: "done", seconds: AFTER_NO };
}

/**
 * @param {Texts} texts
 * @param {string} what
 * @param {string[]} reasons
 * @returns {Outcome}
 */
function retry(texts, what, reasons) {
  const again = texts.get("again");
  const detail = texts.get(`retry.${what}.do`);
  return { kind: "retry", title: texts.get(`retry.${what}`), detail, reasons, again, then: "done", seconds: AFTER_NO };
}
