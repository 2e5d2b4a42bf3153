// Plots as SVG, drawn anew for each width, with their numbers as a table for whoever cannot see them.

import { drawing, element } from "../common/dom.js";
import { table } from "./table.js";

const HEIGHT = 200;
const MARGIN = { top: 12, right: 12, bottom: 28, left: 52 };
const LEAST_WIDTH = 240;
const PIXELS_BETWEEN_TICKS = 64;
const MOST_DOTS = 40;
const LEAST_TOP = 3; // of a histogram: below it the ticks would not be whole, and a count is

/**
 * `low`, `high`: where a bar stands on the x axis; `tone`: a class that gives its color.
 * @typedef {{low: number, high: number, value: number, tone?: string}} Bar
 * @typedef {{at: number, label: string}} Mark a line across, on the x axis
 * @typedef {{name: string, points: [number, number | null][]}} Line null: nothing is known there
 * @typedef {{title: string, x: string, y: string, formatX: (at: number) => string, formatY: (value: number) => string,
 *   asTable: string, none: string}} Words
 */

/**
 * A histogram.
 * @param {Words} words
 * @param {Bar[]} bars
 * @param {Mark[]} [marks]
 */
export function barPlot(words, bars, marks = []) {
  const low = Math.min(...bars.map((bar) => bar.low));
  const high = Math.max(...bars.map((bar) => bar.high));
  const most = Math.max(LEAST_TOP, ...bars.map((bar) => bar.value));
  const rows = bars
    .filter((bar) => bar.value > 0)
    .map((bar) => [`${words.formatX(bar.low)} – ${words.formatX(bar.high)}`, words.formatY(bar.value)]);
  return figure(words, rows, (width) => {
    const frame = frameOf(width, [low, high], most);
    const drawn = bars.map((bar) => barOf(frame, bar, words));
    const ticks = thinned([...bars.map((bar) => bar.low), high], mostTicks(width));
    return [
      ...axes(frame, words, ticks),
      ...drawn,
      ...marks.flatMap((mark, index) => markOf(frame, mark, index)),
    ];
  });
}

/**
 * Lines over time, or over whatever the x axis is. They differ by their dashes as well as by color.
 * @param {Words} words
 * @param {Line[]} lines
 */
export function linePlot(words, lines) {
  const moments = lines[0]?.points.map(([at]) => at) ?? [];
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  const most = Math.max(...values) || 1;
  const rows = lines.length ? rowsOf(words, lines) : [];
  const draw = (/** @type {number} */ width) => {
    const frame = frameOf(width, [Math.min(...moments), Math.max(...moments)], most);
    const ticks = thinned(moments, mostTicks(width));
    return [...axes(frame, words, ticks), ...lines.map((line, index) => lineOf(frame, line, index))];
  };
  return figure(
    words,
    rows,
    draw,
    lines.map((line) => line.name),
  );
}

/**
 * @param {Words} words
 * @param {Line[]} lines
 */
function rowsOf(words, lines) {
  return lines[0].points.map(([at], index) => [
    words.formatX(at),
    ...lines.map((line) => {
      const value = line.points[index]?.[1] ?? null;
      return value === null ? "–" : words.formatY(value);
    }),
  ]);
}

/**
 * @param {Words} words
 * @param {string[][]} rows
 * @param {(width: number) => SVGElement[]} draw
 * @param {string[]} [names] of lines, for the legend
 */
function figure(words, rows, draw, names = []) {
  const svg = drawing("svg", { role: "img", "aria-label": words.title, height: HEIGHT });
  const observer = new ResizeObserver(([{ contentRect }]) => {
    const width = Math.max(LEAST_WIDTH, Math.floor(contentRect.width));
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    svg.replaceChildren(...draw(width));
  });
  const drawn = element("div", { class: "drawn" }, svg);
  const made = element("figure", { class: "plot" }, element("figcaption", {}, words.title));
  if (rows.length === 0) {
    made.append(element("p", { class: "empty" }, words.none));
    return made;
  }
  observer.observe(drawn);
  const columns = [{ title: words.x }, ...(names.length ? names : [words.y]).map(numeric)];
  const numbers = element("details", {}, element("summary", {}, words.asTable));
  numbers.append(table(words.title, columns, rows, words.none));
  made.append(...(names.length > 1 ? [legend(names)] : []), drawn, numbers);
  return made;
}

/** @param {string} title */
function numeric(title) {
  return { title, kind: /** @type {const} */ ("number") };
}

/** @param {string[]} names */
function legend(names) {
  const items = names.map((name, index) => {
    const line = drawing("line", { x1: 0, y1: 6, x2: 28, y2: 6, class: `line line-${index}` });
    const sign = drawing("svg", { width: 28, height: 12, "aria-hidden": "true" }, line);
    return element("li", {}, sign, name);
  });
  return element("ul", { class: "legend" }, ...items);
}

/** @typedef {{width: number, x: (at: number) => number, y: (value: number) => number, ticks: number[]}} Frame */

/**
 * @param {number} width
 * @param {[number, number]} domain
 * @param {number} most
 * @returns {Frame}
 */
function frameOf(width, domain, most) {
  const [low, high] = domain;
  const ticks = ticksTo(most);
  const top = ticks.at(-1) ?? most;
  const across = width - MARGIN.left - MARGIN.right;
  const up = HEIGHT - MARGIN.top - MARGIN.bottom;
  return {
    width,
    ticks,
    x: (at) => MARGIN.left + (across * (at - low)) / (high - low || 1),
    y: (value) => MARGIN.top + up * (1 - value / top),
  };
}

/**
 * Round numbers from 0 up to what is at least `most`: steps of 1, 2 or 5 of a power of ten.
 * @param {number} most
 * @returns {number[]}
 */
export function ticksTo(most) {
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/**
 * @param {Frame} frame
 * @param {Words} words
 * @param {number[]} ticks of the x axis
 */
function axes(frame, words, ticks) {
  const right = frame.width - MARGIN.right;
  const rows = frame.ticks.flatMap((value) => [
    drawing("line", { x1: MARGIN.left, x2: right, y1: frame.y(value), y2: frame.y(value), class: "grid" }),
    label(MARGIN.left - 8, frame.y(value) + 4, "end", words.formatY(value)),
  ]);
  const columns = ticks.map((at, index) => {
    const anchor = index === 0 ? "start" : frame.x(at) > right - 20 ? "end" : "middle";
    return label(frame.x(at), HEIGHT - 8, anchor, words.formatX(at));
  });
  return [...rows, ...columns];
}

/** @param {number} width */
function mostTicks(width) {
  return Math.max(2, Math.floor((width - MARGIN.left - MARGIN.right) / PIXELS_BETWEEN_TICKS));
}

/**
 * Every so many of them, from the first on.
 * @param {number[]} ticks rising
 * @param {number} most
 */
function thinned(ticks, most) {
  const every = Math.max(1, Math.ceil(ticks.length / most));
  return ticks.filter((_, index) => index % every === 0);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {"start" | "middle" | "end"} anchor
 * @param {string} text
 */
function label(x, y, anchor, text) {
  return drawing("text", { x, y, "text-anchor": anchor }, text);
}

/**
 * @param {Frame} frame
 * @param {Bar} bar
 * @param {Words} words
 */
function barOf(frame, bar, words) {
  const x = frame.x(bar.low) + 1;
  const width = Math.max(1, frame.x(bar.high) - x - 1);
  const height = frame.y(0) - frame.y(bar.value);
  const said = `${words.formatX(bar.low)} – ${words.formatX(bar.high)}: ${words.formatY(bar.value)}`;
  const attributes = { x, y: frame.y(bar.value), width, height, class: `bar ${bar.tone ?? ""}` };
  return drawing("rect", attributes, drawing("title", {}, said));
}

/**
 * @param {Frame} frame
 * @param {Mark} mark
 * @param {number} index so that names of neighbors stand below each other
 */
function markOf(frame, mark, index) {
  const x = frame.x(mark.at);
  const toLeft = x > frame.width * 0.7;
  const y = MARGIN.top + 10 + index * 14;
  return [
    drawing("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, class: "mark" }),
    label(x + (toLeft ? -5 : 5), y, toLeft ? "end" : "start", mark.label),
  ];
}

/**
 * @param {Frame} frame
 * @param {Line} line
 * @param {number} index
 */
function lineOf(frame, line, index) {
  let pen = "M";
  const path = line.points.map(([at, value]) => {
    if (value === null) {
      pen = "M";
      return "";
    }
    const step = `${pen}${frame.x(at).toFixed(1)} ${frame.y(value).toFixed(1)}`;
    pen = "L";
    return step;
  });
  const dots =
    line.points.length > MOST_DOTS
      ? []
      : line.points.flatMap(([at, value]) =>
          value === null
            ? []
            : [drawing("circle", { cx: frame.x(at), cy: frame.y(value), r: 2.5, class: `dot dot-${index}` })],
        );
  return drawing("g", {}, drawing("path", { d: path.join(""), class: `line line-${index}` }), ...dots);
}
