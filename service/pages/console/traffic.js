// What the service was asked: calls by route, latency, verifications by their answer, similarities.

import { element } from "../common/dom.js";
import { segments } from "./button.js";
import { histogramOf, quantileOf, samplesOf, valueOf, valuesBy } from "./exposition.js";
import { REQUESTS, asked } from "./samples.js";
import { shareBar, table } from "./table.js";
import { latencyPlot, overTime, similarityPlot } from "./traffic_plots.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./exposition.js").Sample} Sample */

const RECOMMENDATIONS = /** @type {const} */ (["allow", "recapture", "deny"]);
const BANDS = /** @type {const} */ (["very_high", "high", "borderline", "low", "very_low"]);

/** Whether the numbers of the time since the page was opened are shown, or since the start of the service. */
let since = /** @type {"start" | "opened"} */ ("start");

/**
 * @param {import("./formats.js").Formats} formats
 * @param {number} part
 * @param {number} whole
 */
function shareOf(formats, part, whole) {
  return whole
    ? element("span", { class: "beside" }, formats.percent(part / whole), shareBar(part / whole))
    : "–";
}

/** @param {Context} context */
export function trafficOf(context) {
  const { texts } = context;
  const body = element("div", { class: "stack" });
  const draw = () => {
    const samples =
      since === "start" ? (context.readings.last?.samples ?? []) : context.readings.sinceOpened();
    body.replaceChildren(...contentOf(context, samples));
  };
  const choice = periodChoice(context, (chosen) => {
    since = chosen;
    draw();
  });
  draw();
  const title = element("h2", {}, texts.get("traffic.title"));
  return element("section", { class: "panel" }, title, choice, body);
}

/**
 * @param {Context} context
 * @param {(since: "start" | "opened") => void} choose
 */
function periodChoice({ texts, formats, readings }, choose) {
  const opened = formats.clock(readings.first?.at ?? Date.now());
  const options = /** @type {["start" | "opened", string][]} */ ([
    ["start", texts.get("traffic.since_start")],
    ["opened", texts.get("traffic.since_opened", { opened })],
  ]);
  const group = segments(texts.get("traffic.period"), options, since, choose);
  return element(
    "div",
    { class: "stack" },
    group,
    element("p", { class: "hint" }, texts.get("traffic.hint")),
  );
}

/**
 * @param {Context} context
 * @param {Sample[]} samples
 */
function contentOf(context, samples) {
  return [
    element("div", { class: "columns" }, ...overTime(context)),
    callTable(context, samples),
    element(
      "div",
      { class: "columns" },
      latencyPlot(context, samples),
      similarityPlot(context, samples, "verify"),
      similarityPlot(context, samples, "search"),
    ),
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
  const rows = called
    .sort(([, one], [, other]) => other - one)
    .map(([route, count]) => {
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
    shareOf(
      formats,
      RECOMMENDATIONS.reduce((sum, one) => sum + counted(band, one), 0),
      all,
    ),
  ]);
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("band") },
    ...RECOMMENDATIONS.map((one) => ({ title: texts.get(`recommendation.${one}`), kind: number })),
    { title: texts.get("traffic.share") },
  ];
  const title = element("h3", {}, texts.get("traffic.decisions"));
  return element(
    "div",
    { class: "stack" },
    title,
    table(texts.get("traffic.decisions"), columns, rows, texts.get("traffic.none")),
  );
}
