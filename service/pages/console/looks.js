// What an operator should look at, of all that the service tells about itself.

import { element } from "../common/dom.js";
import { valueOf } from "./exposition.js";
import { deviceOf } from "./formats.js";
import { strangerState } from "./strangers.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Readiness} Readiness */
/** @typedef {import("./exposition.js").Sample} Sample */

/** @typedef {{key: string, values?: Record<string, string | number>, view?: string}} Look `view`: where it is mended */

const MOST_CLOCK_DIFFERENCE = 2;
/* Seconds; the service refuses to purge beyond its own limit, which is larger. */

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @param {Sample[]} samples
 */
export function looks(context, readiness, samples) {
  const { texts } = context;
  const found = [...ofTheService(context, readiness, samples), ...ofCollections(context, readiness)];
  const title = texts.get(found.length ? "state.look" : "state.no_look");
  const panel = element(
    "section",
    { class: `panel ${found.length ? "attention" : "fine"}` },
    element("h2", {}, title),
  );
  const items = found.map(({ key, values, view }) => {
    const said = texts.get(`state.look.${key}`, values);
    return element("li", {}, said, ...(view ? [" ", linkTo(context, view)] : []));
  });
  if (items.length) panel.append(element("ul", {}, ...items));
  return panel;
}

/**
 * @param {Context} context
 * @param {string} view
 */
function linkTo({ texts }, view) {
  const address = `#${new URLSearchParams({ view, lang: texts.language })}`;
  return element("a", { href: address }, texts.get(`view.${view}`));
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @param {Sample[]} samples
 * @returns {Look[]}
 */
function ofTheService({ formats }, readiness, samples) {
  const [asked, obtained] = [readiness.providersRequested[0], readiness.providersObtained[0]];
  const held = valueOf(samples, "face_purge_held") ?? 0;
  const clock = valueOf(samples, "face_clock_difference_seconds") ?? 0;
  const problem = readiness.search?.problem;
  const isOff = Math.abs(clock) > MOST_CLOCK_DIFFERENCE;
  return [
    ...(readiness.database === "ready" ? [] : [{ key: "database", values: { code: readiness.database } }]),
    ...(asked && asked !== obtained
      ? [{ key: "device", values: { asked: deviceOf(asked), obtained: deviceOf(obtained) } }]
      : []),
    ...(problem ? [{ key: "search", values: { problem } }] : []),
    ...(held > 0 ? [{ key: "purge", values: { people: formats.whole(held) } }] : []),
    ...(isOff ? [{ key: "clock", values: { seconds: formats.rate(clock) } }] : []),
  ];
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @returns {Look[]}
 */
function ofCollections({ collections, waiting }, readiness) {
  const used = collections.filter((one) => one.templates > 0);
  const of =
    (/** @type {string} */ key, /** @type {string | undefined} */ view) =>
    (/** @type {{collection: string}} */ { collection }) => ({ key, values: { collection }, view });
  return [
    ...waiting.map((collection) => of("duplicates", "duplicates")({ collection })),
    ...used.filter((one) => strangerState(one) === "above").map(of("strangers", "collections")),
    ...used.filter((one) => one.modelId !== readiness.model).map(of("model", undefined)),
    ...(used.some((one) => strangerState(one) === "unknown") ? [{ key: "uncalibrated" }] : []),
  ];
}
