// The oval over the camera's picture. What it says, it says by its shape as well as by its color: dotted
// while nobody is seen, dashed with an arrow while something is to be done, whole and thick when all is well.

import { byId } from "../common/dom.js";

/** @typedef {"search" | "adjust" | "good" | "hold" | "move"} OvalState */
/** @typedef {"left" | "right" | "up" | "down" | "closer" | "none"} Direction */

/** Of the picture's height: the oval, and the larger one to come up to. */
const HEIGHT = 0.78;
const HEIGHT_CLOSER = 0.94;
const WIDTH_OF_HEIGHT = 0.74;

/** Drawn beside a word, so that color is never all there is. */
export const MARKS = {
  search: "M12 5v9M12 17.5v.5",
  adjust: "M5 12h14M13 6l6 6-6 6",
  good: "m5 12.5 5 5 9-11",
  hold: "M8 5v14M16 5v14",
  move: "M5 12h14M13 6l6 6-6 6",
};

const TURNED = { left: 180, right: 0, up: -90, down: 90, closer: 0, none: 0 };

export class Oval {
  constructor() {
    this._stage = byId("stage", HTMLElement);
    this._drawing = byId("oval", SVGSVGElement);
    this._mark = /** @type {SVGPathElement} */ (document.querySelector("#mark path"));
    this._width = 0;
    this._height = 0;
  }

  /**
   * For a picture of this size, in pixels.
   * @param {number} width
   * @param {number} height
   */
  fit(width, height) {
    this._width = width;
    this._height = height;
    this._stage.style.setProperty("--shape", String(width / height));
    this._drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this._drawing.style.setProperty("--unit", String(Math.min(width, height) / 100));
    const radii = this._radii(HEIGHT);
    this._place(".ring", radii);
    this._place(".goal", this._radii(HEIGHT_CLOSER));
    const [x, y] = radii;
    this._part(".shade").setAttribute(
      "d",
      `M0 0h${width}v${height}H0Z M${width / 2 - x} ${height / 2}a${x} ${y} 0 1 0 ${2 * x} 0a${x} ${y} 0 1 0 ${-2 * x} 0Z`,
    );
  }

  /**
   * @param {OvalState} state
   * @param {Direction} [direction] as somebody before a mirror sees it
   */
  show(state, direction = "none") {
    this._stage.dataset.state = state;
    this._stage.dataset.direction = direction;
    this._mark.setAttribute("d", direction === "none" && state === "adjust" ? MARKS.search : MARKS[state]);
    const [x, y] = this._radii(HEIGHT);
    const [outside, inside] = [x * 1.15, y * 0.85];
    const aside = { left: [-outside, 0], right: [outside, 0], up: [0, -inside], down: [0, inside], closer: [0, 0], none: [0, 0] };
    const [right, below] = aside[direction];
    const size = Math.min(this._width, this._height) / 220;
    const left = this._width / 2 + right;
    const top = this._height / 2 + below;
    const arrow = `translate(${left} ${top}) rotate(${TURNED[direction]}) scale(${size})`;
    this._part(".arrow").setAttribute("transform", arrow);
  }

  /**
   * @param {number} share of the picture's height
   * @returns {[number, number]}
   */
  _radii(share) {
    const high = Math.min(this._height * share, (this._width * 0.9) / WIDTH_OF_HEIGHT) / 2;
    return [high * WIDTH_OF_HEIGHT, high];
  }

  /**
   * @param {string} part
   * @param {[number, number]} radii
   */
  _place(part, [x, y]) {
    const ellipse = this._part(part);
    ellipse.setAttribute("cx", String(this._width / 2));
    ellipse.setAttribute("cy", String(this._height / 2));
    ellipse.setAttribute("rx", String(x));
    ellipse.setAttribute("ry", String(y));
  }

  /**
   * @param {string} name
   * @returns {SVGElement}
   */
  _part(name) {
    return /** @type {SVGElement} */ (this._drawing.querySelector(name));
  }
}
