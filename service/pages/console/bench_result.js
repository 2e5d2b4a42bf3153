// How alike two photographs are, and what each profile of the chosen collection would say.

import { drawing, element } from "../common/dom.js";
import { bandOf, recommendationOf, shownSimilarity, similarityOf } from "./similarity.js";
import { falseMatchRate, rateText } from "./strangers.js";
import { table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */

/**
 * @param {Context} context
 * @param {number[]} one
 * @param {number[]} other
 * @returns {HTMLElement[]}
 */
export function comparison(context, one, other) {
  const { texts, collection } = context;
  if (collection === null) return [element("p", { class: "empty" }, texts.get("state.no_collection"))];
  const similarity = similarityOf(one, other);
  const band = bandOf(similarity, collection.bands);
  const panel = element(
    "section",
    { class: "panel" },
    element("h2", {}, texts.get("bench.result")),
    element("p", { class: "figure" }, shownSimilarity(similarity)),
    element("p", {}, texts.get("bench.band", { band: texts.get(`band.${band}`) })),
    element("div", { class: "drawn" }, scale(context, collection, similarity)),
    profileTable(context, collection, similarity),
    element("p", { class: "hint" }, texts.get("bench.hint", { collection: collection.collection })),
  );
  return [panel];
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {number} similarity
 */
function profileTable(context, { thresholdProfiles, bands }, similarity) {
  const { texts } = context;
  const band = bandOf(similarity, bands);
  const rows = Object.entries(thresholdProfiles).map(([name, profile]) => {
    const said = recommendationOf(similarity, profile.threshold, band);
    return [
      name,
      String(profile.threshold),
      element(
        "span",
        { class: `tag ${said === "allow" ? "within" : said === "deny" ? "above" : ""}` },
        texts.get(`recommendation.${said}`),
      ),
      rateText(context, falseMatchRate(profile)),
    ];
  });
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("profile") },
    { title: texts.get("threshold"), kind: number },
    { title: texts.get("bench.says") },
    { title: texts.get("fmr"), kind: number },
  ];
  return table(texts.get("bench.profiles"), columns, rows, texts.get("none"));
}

/**
 * The similarity on a line from −0.2 to 1, with the bands' ends.
 * @param {Context} context
 * @param {Collection} collection
 * @param {number} similarity
 */
function scale({ texts }, { bands }, similarity) {
  const x = (/** @type {number} */ at) => 8 + (384 * (Math.min(1, Math.max(-0.2, at)) + 0.2)) / 1.2;
  const ends = [bands.low, bands.borderline, bands.high, bands.veryHigh];
  const label = texts.get("bench.scale", { similarity: shownSimilarity(similarity) });
  return drawing(
    "svg",
    { role: "img", "aria-label": label, viewBox: "0 0 400 56", class: "scale" },
    drawing("line", { x1: x(-0.2), x2: x(1), y1: 24, y2: 24, class: "axis" }),
    ...ends.flatMap((end) => [
      drawing("line", { x1: x(end), x2: x(end), y1: 16, y2: 32, class: "tick" }),
      drawing("text", { x: x(end), y: 48, "text-anchor": "middle" }, String(end)),
    ]),
    drawing("circle", { cx: x(similarity), cy: 24, r: 8, class: "here" }),
  );
}
