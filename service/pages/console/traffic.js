// What the service was asked: calls by route, latency, verifications by their answer, similarities.

import { element } from "../common/dom.js";
import { histogramOf, quantileOf, samplesOf, totalOf, valueOf, valuesBy } from "./exposition.js";
import { barPlot, linePlot } from "./plot.js";
import { REQUESTS, asked } from "./samples.js";
import { shareBar, table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./exposition.js").Sample} Sample */

const RECOMMENDATIONS = /** @type {const} */ (["allow", "recapture", "deny"]);
const BANDS = /** @type {const} */ (["very_high", "high", "borderline", "low", "very_low"]);

/** Whether the numbers of the time since the page was opened are shown, or since the start of the service. */
let sinceStart = true;

/**
 * @param {import("./formats.js").Formats} formats
 * @param {number} part
 * @param {number} whole
 */
function shareOf(formats, part, whole) {
  return whole ? element("span", { class: "beside" }, formats.percent(part / whole), shareBar(part / whole)) : "–";
}

/** @param {Context} context */
export function trafficOf(context) {
  const { texts } = context;
  const body = element("div", { class: "stack" });
  const draw = () => {
    const samples = sinceStart ? (context.readings.last?.samples ?? []) : context.readings.sinceOpened();
    body.replaceChildren(...contentOf(context, samples));
  };
  const choice = periodChoice(context, (start) => {
    sinceStart = start;
    draw();
  });
  draw();
  const title = element("h2", {}, texts.get("traffic.title"));
  return element("section", { class: "panel" }, title, choice, body);
}

/**
 * @param {Context} context
 * @param {(start: boolean) => void} choose
 */
function periodChoice({ texts, formats, readings }, choose) {
  const opened = formats.clock(readings.first?.at ?? Date.now());
  const buttons = [true, false].map((start) => {
    const label = texts.get(start ? "traffic.since_start" : "traffic.since_opened", { opened });
    const press = () => {
      choose(start);
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === made));
    };
    const pressed = String(start === sinceStart);
    const made = element("button", { type: "button", class: "button", "aria-pressed": pressed, onclick: press }, label);
    return made;
  });
  const group = element("div", { class: "segments", role: "group", "aria-label": texts.get("traffic.period") });
  group.append(...buttons);
  return element("div", { class: "stack" }, group, element("p", { class: "hint" }, texts.get("traffic.hint")));
}

/**
 * @param {Context} context
 * @param {Sample[]} samples
 */
function contentOf(context, samples) {
  return [
    element("div", { class: "columns" }, ...overTime(context)),
    callTable(context, samples),
    element("div", { class: "columns" },
      latencyPlot(context, samples),
      similarityPlot(context, samples, "verify"),
      similarityPlot(context, samples, "search")),
    decisionTable(context, samples),
  ];
}

/**
 * @param {Context} context
 * @param {Sample[]} samples
 */
function callTable({ texts, formats }, samples) {
  const routes = valuesBy(asked(samples), `${REQUESTS}_count`, "route");
  const called = [...routes].filter(([, count]) => count > 0);
  const problems = valuesBy(samples, "face_http_problems_total", "route");
  const rows = called.sort(([, one], [, other]) => other - one).map(([route, count]) => {
    const histogram = histogramOf(samples, REQUESTS, { route });
    return [
      route,
      formats.whole(count),
      formats.whole(problems.get(route) ?? 0),
      ...[0.5, 0.95].map((share) => latency(formats, quantileOf(histogram, share))),
    ];
  });
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("traffic.call") },
    { title: texts.get("traffic.calls"), kind: number },
    { title: texts.get("traffic.problems"), kind: number },
    { title: texts.get("traffic.median"), kind: number },
    { title: texts.get("traffic.p95"), kind: number },
  ];
  return table(texts.get("traffic.by_call"), columns, rows, texts.get("traffic.none"));
}

/**
 * @param {import("./formats.js").Formats} formats
 * @param {number | null} seconds
 */
function latency(formats, seconds) {
  return seconds === null ? "–" : formats.latency(seconds);
}

/**
 * Calls a minute, and latency, from reading to reading.
 * @param {Context} context
 */
function overTime({ texts, formats, readings }) {
  const { steps } = readings;
  const words = {
    x: texts.get("traffic.time"),
    formatX: (/** @type {number} */ at) => formats.clock(at),
    asTable: texts.get("as_table"),
    none: texts.get("traffic.soon"),
  };
  const perMinute = { ...words, title: texts.get("traffic.per_minute"), y: texts.get("traffic.calls"),
    formatY: (/** @type {number} */ value) => formats.rate(value) };
  const times = { ...words, title: texts.get("traffic.latency"), y: texts.get("traffic.latency"),
    formatY: (/** @type {number} */ value) => formats.latency(value) };
  const quantiles = [["traffic.median", 0.5], ["traffic.p95", 0.95]].map(([key, share]) => ({
    name: texts.get(String(key)),
    points: steps.map(({ to, calls }) => point(to, quantileOf(calls, Number(share)))),
  }));
  const rates = steps.map(({ from, to, calls }) => point(to, (totalOf(calls) * 60_000) / (to - from)));
  const shown = steps.length > 0;
  return [
    linePlot(perMinute, shown ? [{ name: texts.get("traffic.calls"), points: rates }] : []),
    linePlot(times, shown ? quantiles : []),
  ];
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
function latencyPlot({ texts, formats }, samples) {
  const { bounds, counts } = histogramOf(asked(samples), REQUESTS);
  const bars = counts.map((value, index) => ({ low: index, high: index + 1, value }));
  const edges = [0, ...bounds];
  const words = {
    title: texts.get("traffic.latencies"),
    x: texts.get("traffic.latency"),
    y: texts.get("traffic.calls"),
    formatX: (/** @type {number} */ index) => (edges[index] === Infinity ? "∞" : formats.latency(edges[index])),
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
function similarityPlot({ texts, formats, collection }, samples, call) {
  const { bounds, counts } = histogramOf(samples, "face_similarity", { call });
  const bars = counts.slice(1, -1).map((value, index) => ({ low: bounds[index], high: bounds[index + 1], value }));
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

/**
 * @param {Context} context
 * @param {Sample[]} samples
 */
function decisionTable({ texts, formats }, samples) {
  const counted = (/** @type {string} */ band, /** @type {string} */ recommendation) =>
    valueOf(samples, "face_decisions_total", { band, recommendation }) ?? 0;
  const all = samplesOf(samples, "face_decisions_total").reduce((sum, one) => sum + one.value, 0);
  const rows = BANDS.map((band) => [
    texts.get(`band.${band}`),
    ...RECOMMENDATIONS.map((recommendation) => formats.whole(counted(band, recommendation))),
    shareOf(formats, RECOMMENDATIONS.reduce((sum, one) => sum + counted(band, one), 0), all),
  ]);
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("band") },
    ...RECOMMENDATIONS.map((one) => ({ title: texts.get(`recommendation.${one}`), kind: number })),
    { title: texts.get("traffic.share") },
  ];
  const title = element("h3", {}, texts.get("traffic.decisions"));
  return element("div", { class: "stack" }, title, table(texts.get("traffic.decisions"), columns, rows, texts.get("traffic.none")));
}
