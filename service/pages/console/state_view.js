// The state of the service: what needs a look, what it runs on, who is in it, what it was asked lately.

import { element } from "../common/dom.js";
import { samplesOf, valueOf } from "./exposition.js";
import { deviceOf, shortModel } from "./formats.js";
import { attempt } from "./problem.js";
import { SECONDS_BETWEEN_READINGS } from "./samples.js";
import { falseMatchRate, falseNonMatchRate, rateText } from "./strangers.js";
import { looks } from "./looks.js";
import { facts, shareBar, table } from "./table.js";
import { strangerTag } from "./stranger_panel.js";
import { trafficOf } from "./traffic.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Readiness} Readiness */
/** @typedef {import("./exposition.js").Sample} Sample */

const PARTS = ["looks", "service", "people", "traffic"];

/** @type {import("./context.js").View} */
export async function showState(context, place, isFresh = false) {
  const shown = element("div", { class: "stack" });
  shown.append(...PARTS.map((name) => element("div", { class: name })));
  place.append(element("h1", { tabindex: "-1" }, context.texts.get("state.title")), shown);
  await attempt(context, place, () => refresh(context, shown, isFresh));
  const timer = setInterval(() => {
    if (!place.isConnected) clearInterval(timer);
    else if (!document.hidden)
      void attempt(context, place, () => refresh(context, shown), { takesFocus: false });
  }, SECONDS_BETWEEN_READINGS * 1000);
}

/**
 * Whether the service is ready is told without a key and without a database: it is shown before the rest is
 * asked for, which may come to nothing.
 * @param {Context} context
 * @param {HTMLElement} shown
 * @param {boolean} [isFresh] whether the collections were read just now
 */
async function refresh(context, shown, isFresh = false) {
  const readiness = await context.calls.readiness();
  const before = context.readings.last?.samples ?? [];
  if (readiness.status !== "ready") fill(shown, "service", servicePanels(context, readiness, before));
  await context.readMetrics();
  if (!shown.dataset.read) {
    if (!isFresh) await context.readCollections();
    await context.readWaiting();
    shown.dataset.read = "yes";
  }
  const samples = context.readings.last?.samples ?? [];
  fill(shown, "looks", looks(context, readiness, samples));
  fill(shown, "service", servicePanels(context, readiness, samples));
  fill(shown, "people", peoplePanel(context));
  fill(shown, "traffic", trafficOf(context));
}

/**
 * What a reader has opened or holds by the keyboard stays: only what changed is exchanged.
 * @param {HTMLElement} shown
 * @param {string} name
 * @param {HTMLElement} content
 */
function fill(shown, name, content) {
  const place = shown.querySelector(`:scope > .${name}`);
  if (place === null || place.contains(document.activeElement)) return;
  const wasOpen = [...place.querySelectorAll("details")].map((one) => one.open);
  place.replaceChildren(content);
  place.querySelectorAll("details").forEach((one, index) => {
    one.open = wasOpen[index] ?? false;
  });
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @param {Sample[]} samples
 */
function servicePanels(context, readiness, samples) {
  const panels = [
    panelOf(context, "state.service", serviceFacts(context, readiness, samples)),
    panelOf(context, "state.model", modelFacts(context, readiness)),
    panelOf(context, "state.search", searchFacts(context, readiness)),
    calibrationPanel(context),
  ];
  return element("div", { class: "columns" }, ...panels);
}

/**
 * @param {Context} context
 * @param {string} key
 * @param {[string, string][]} entries
 */
function panelOf({ texts }, key, entries) {
  const named = entries.map(([term, value]) => /** @type {[string, string]} */ ([texts.get(term), value]));
  return element("section", { class: "panel" }, element("h2", {}, texts.get(key)), facts(named));
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @param {Sample[]} samples
 * @returns {[string, string][]}
 */
function serviceFacts({ texts, formats }, readiness, samples) {
  const build = samplesOf(samples, "face_build_info")[0]?.labels;
  const whole = (/** @type {string} */ name) => formats.whole(valueOf(samples, name) ?? 0);
  const of = (/** @type {string} */ now, /** @type {string} */ limit) =>
    texts.get("state.of", { now: whole(now), limit: whole(limit) });
  const isReady = readiness.status === "ready";
  return [
    ["state.ready", texts.get(isReady ? "state.ready.yes" : "state.ready.no")],
    ["state.database", readiness.database === "ready" ? texts.get("state.ready.yes") : readiness.database],
    ["state.version", build ? `${build.version} (Python ${build.python})` : "–"],
    ["state.connections", of("face_http_connections", "face_http_connections_limit")],
    ["state.engine_calls", of("face_engine_calls", "face_engine_calls_limit")],
    ["state.transactions", of("face_database_transactions", "face_database_connections_limit")],
  ];
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @returns {[string, string][]}
 */
function modelFacts({ texts }, readiness) {
  const { livenessModels } = readiness;
  const devices = (/** @type {string[]} */ providers) => providers.map(deviceOf).join(" → ");
  return [
    ["state.model_id", shortModel(readiness.model)],
    ["state.license", readiness.modelLicense],
    ["state.asked", devices(readiness.providersRequested)],
    ["state.obtained", devices(readiness.providersObtained)],
    ["state.liveness", livenessModels.length ? livenessModels.join(", ") : texts.get("state.challenge_only")],
  ];
}

/**
 * @param {Context} context
 * @param {Readiness} readiness
 * @returns {[string, string][]}
 */
function searchFacts({ texts, formats }, { search }) {
  if (!search) return [["state.search_where", texts.get("state.search_database")]];
  return [
    ["state.search_where", texts.get("state.search_memory")],
    ["state.search_rows", formats.whole(search.rows)],
    ["state.search_bytes", formats.bytes(search.bytes)],
    ["state.search_behind", formats.whole(search.behind)],
    ["state.search_problem", search.problem ?? texts.get("none")],
  ];
}

/** @param {Context} context */
function calibrationPanel(context) {
  const { texts, collection } = context;
  const panel = element("section", { class: "panel wide" });
  panel.append(
    element("h2", {}, texts.get("state.calibration", { collection: collection?.collection ?? "–" })),
  );
  const rows = Object.entries(collection?.thresholdProfiles ?? {}).map(([name, profile]) => [
    name,
    String(profile.threshold),
    rateText(context, falseMatchRate(profile)),
    rateText(context, falseNonMatchRate(profile)),
    profile.source,
  ]);
  const number = /** @type {const} */ ("number");
  const columns = [
    { title: texts.get("profile") },
    { title: texts.get("threshold"), kind: number },
    { title: texts.get("fmr"), kind: number },
    { title: texts.get("fnmr"), kind: number },
    { title: texts.get("state.source") },
  ];
  panel.append(table(texts.get("state.profiles"), columns, rows, texts.get("state.no_collection")));
  panel.append(element("p", { class: "hint" }, texts.get("state.calibration.hint")));
  return panel;
}

/** @param {Context} context */
function peoplePanel({ texts, formats, collections }) {
  const most = Math.max(1, ...collections.map((one) => one.templates));
  const rows = collections.map((one) => [
    one.collection,
    formats.whole(one.templates),
    shareBar(one.templates / most),
    strangerTag(texts, one),
  ]);
  const columns = [
    { title: texts.get("collection") },
    { title: texts.get("people"), kind: /** @type {const} */ ("number") },
    { title: texts.get("state.share") },
    { title: texts.get("strangers") },
  ];
  const panel = element("section", { class: "panel" }, element("h2", {}, texts.get("state.people")));
  panel.append(table(texts.get("state.people"), columns, rows, texts.get("state.no_collection")));
  return panel;
}
