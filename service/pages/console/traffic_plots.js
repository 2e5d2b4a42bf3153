// What the service was asked, drawn: over time while the page is open, by latency, by similarity.

import { histogramOf, quantileOf, totalOf } from "./exposition.js";
import { barPlot, linePlot } from "./plot.js";
import { REQUESTS, asked } from "./samples.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./exposition.js").Sample} Sample */

/**
 * Calls a minute, and latency, from reading to reading.
 * @param {Context} context
 */
export function overTime(context) {
  const { texts, formats, readings } = context;
  const { steps } = readings;
  const words = wordsOverTime(context);
  const perMinute = {
    ...words,
    title: texts.get("traffic.per_minute"),
    y: texts.get("traffic.calls"),
    formatY: (/** @type {number} */ value) => formats.rate(value),
  };
  const quantiles = [
    ["traffic.median", 0.5],
    ["traffic.p95", 0.95],
  ].map(([key, share]) => ({
    name: texts.get(String(key)),
    points: steps.map(({ to, calls }) => point(to, quantileOf(calls, Number(share)))),
  }));
  const rates = steps.map(({ from, to, calls }) => point(to, (totalOf(calls) * 60_000) / (to - from)));
  const shown = steps.length > 0;
  return [
    linePlot(perMinute, shown ? [{ name: texts.get("traffic.calls"), points: rates }] : []),
    linePlot(words, shown ? quantiles : []),
  ];
}

/**
 * Of latency, by the time of day.
 * @param {Context} context
 */
function wordsOverTime({ texts, formats }) {
  return {
    title: texts.get("traffic.latency"),
    x: texts.get("traffic.time"),
    y: texts.get("traffic.latency"),
    formatX: (/** @type {number} */ at) => formats.clock(at),
    formatY: (/** @type {number} */ value) => formats.latency(value),
    asTable: texts.get("as_table"),
    none: texts.get("traffic.soon"),
  };
}

/**
 * @param {number} at
 * @param {number | null} value
 * @returns {[number, number | null]}
 */
function point(at, value) {
  return [at, value];
}

/**
 * How long calls took. The bounds rise by factors, so each step is drawn as wide as the others.
 * @param {Context} context
 * @param {Sample[]} samples
 */
export function latencyPlot({ texts, formats }, samples) {
  const { bounds, counts } = histogramOf(asked(samples), REQUESTS);
  const bars = counts.map((value, index) => ({ low: index, high: index + 1, value }));
  const edges = [0, ...bounds];
  const words = {
    title: texts.get("traffic.latencies"),
    x: texts.get("traffic.latency"),
    y: texts.get("traffic.calls"),
    formatX: (/** @type {number} */ index) =>
      edges[index] === Infinity ? "∞" : formats.latency(edges[index]),
    formatY: (/** @type {number} */ value) => formats.whole(value),
    asTable: texts.get("as_table"),
    none: texts.get("traffic.none"),
  };
  return barPlot(words, bars);
}

/**
 * @param {Context} context
 * @param {Sample[]} samples
 * @param {"verify" | "search"} call
 */
export function similarityPlot({ texts, formats, collection }, samples, call) {
  const { bounds, counts } = histogramOf(samples, "face_similarity", { call });
  const bars = counts
    .slice(1, -1)
    .map((value, index) => ({ low: bounds[index], high: bounds[index + 1], value }));
  const thresholds = Object.entries(collection?.thresholdProfiles ?? {});
  const marks = thresholds.map(([label, { threshold }]) => ({ at: threshold, label }));
  const words = {
    title: texts.get(`traffic.similarity.${call}`),
    x: texts.get("similarity"),
    y: texts.get("traffic.answers"),
    formatX: (/** @type {number} */ at) => at.toFixed(2),
    formatY: (/** @type {number} */ value) => formats.whole(value),
    asTable: texts.get("as_table"),
    none: texts.get("traffic.none"),
  };
  return barPlot(words, bars, marks);
}
