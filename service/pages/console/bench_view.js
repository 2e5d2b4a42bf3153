// A bench to try two photographs on: what the service sees in each, and how alike the two faces are. They
// are sent to /check and /token/images of this service, which keep nothing, and stay in this page.

import { ApiError } from "../common/api.js";
import { element } from "../common/dom.js";
import { comparison } from "./bench_result.js";
import { drawPhotograph } from "./photograph.js";
import { attempt } from "./problem.js";
import { facts } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Check} Check */

const SIDES = /** @type {const} */ (["first", "second"]);
const TYPES = "image/jpeg,image/png,image/webp,image/heic,image/avif";

/** @type {import("./context.js").View} */
export async function showBench(context, place) {
  const { texts } = context;
  /** @type {(number[] | null)[]} */
  const embeddings = [null, null];
  const result = element("div", { class: "stack", "aria-live": "polite" });
  const compare = (/** @type {number} */ index, /** @type {number[] | null} */ embedding) => {
    embeddings[index] = embedding;
    const [one, other] = embeddings;
    result.replaceChildren(...(one && other ? comparison(context, one, other) : []));
  };
  const sides = SIDES.map((name, index) =>
    side(context, place, name, (embedding) => compare(index, embedding)),
  );
  place.append(
    element("h1", { tabindex: "-1" }, texts.get("bench.title")),
    element("p", { class: "lead" }, texts.get("bench.lead")),
    element("div", { class: "columns" }, ...sides),
    result,
  );
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {typeof SIDES[number]} name
 * @param {(embedding: number[] | null) => void} found
 */
function side(context, place, name, found) {
  const { texts } = context;
  const id = `photograph-${name}`;
  const shown = element("div", { class: "stack" });
  const input = element("input", { type: "file", id, accept: TYPES, "aria-describedby": `${id}-hint` });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    found(null);
    if (file) void attempt(context, place, () => look(context, file, shown, found));
  });
  return element(
    "section",
    { class: "panel" },
    element("h2", {}, texts.get(`bench.${name}`)),
    element(
      "div",
      { class: "field" },
      element("label", { for: id }, texts.get("bench.choose")),
      element("p", { class: "hint", id: `${id}-hint` }, texts.get("bench.choose.hint")),
      input,
    ),
    shown,
  );
}

/**
 * @param {Context} context
 * @param {File} file
 * @param {HTMLElement} shown
 * @param {(embedding: number[] | null) => void} found
 */
async function look(context, file, shown, found) {
  shown.replaceChildren(element("p", { role: "status" }, context.texts.get("bench.looks")));
  try {
    const check = await scoped(context, "token, enroll, verify", () => context.calls.check(file));
    const picture = await drawPhotograph(
      file,
      check.face,
      context.texts.get(check.face ? "bench.picture" : "bench.picture.none"),
    );
    shown.replaceChildren(
      picture ?? element("p", { class: "hint" }, context.texts.get("bench.no_preview")),
      ...seen(context, check),
    );
    const token = await scoped(context, "token", () => context.calls.token(file));
    if (!token.success) shown.append(element("p", { class: "tag above" }, token.error ?? ""));
    found(token.embedding);
  } catch (error) {
    if (shown.childElementCount === 1) shown.replaceChildren();
    throw error;
  }
}

/**
 * A refusal of the key names the scope that is missing: here nothing else can be.
 * @template T
 * @param {Context} context
 * @param {string} scopes any of which would do
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
async function scoped({ texts }, scopes, call) {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "not_allowed") throw error;
    throw new ApiError(error.status, {
      code: "scope_missing",
      title: texts.get("bench.scope.title", { scopes }),
      detail: texts.get("bench.scope.detail", { scopes }),
      requestId: error.requestId,
    });
  }
}

/**
 * @param {Context} context
 * @param {Check} check
 * @returns {HTMLElement[]}
 */
function seen({ texts, formats }, { usable, reason, advice, face, quality, ignoredFaces }) {
  const verdict = texts.get(usable ? "bench.usable" : "bench.unusable", { reason: reason ?? "" });
  const cues = Object.entries(quality ?? {}).filter(([, value]) => value !== null);
  const box = face ? `${formats.whole(face.width)} × ${formats.whole(face.height)}` : texts.get("none");
  return [
    element("p", { class: `tag ${usable ? "within" : "above"}` }, verdict),
    ...(advice ? [element("p", {}, advice)] : []),
    facts([
      [texts.get("bench.face"), box],
      [texts.get("bench.ignored"), formats.whole(ignoredFaces)],
      ...cues.map(
        ([name, value]) =>
          /** @type {[string, string]} */ ([texts.get(`quality.${name}`), formats.rate(value ?? 0)]),
      ),
    ]),
  ];
}
