// From an answer of /check to what the person should do. Nothing here looks at pixels.

/** @typedef {import("./oval.js").OvalState} OvalState */
/** @typedef {import("./oval.js").Direction} Direction */

/**
 * @typedef {object} CheckAnswer
 * @property {boolean} usable
 * @property {string | null} reason
 * @property {string | null} advice
 * @property {{x: number, y: number, width: number, height: number} | null} face
 */

/**
 * @typedef {object} Advice
 * @property {OvalState} state
 * @property {string} word key of a few words
 * @property {string} detail a sentence of the service, or nothing
 * @property {Direction} direction as somebody before a mirror sees it
 */

/** Of the picture's height: docs/liveness.md asks for a third, and a margin around it. */
const LEAST_HEIGHT = 0.25;
export const MOST_HEIGHT = 0.8;

/** The same of somebody who may be asked to come closer. */
export const MOST_HEIGHT_OF_CHALLENGED = 0.5;

/** Of the picture's width or height: how far the middle of the face may be from the picture's. */
const MOST_ASIDE = 0.15;

/** Reasons that have a few words of their own; for all others the service's sentence is enough. */
export const WORDS = [
  "no_face",
  "multiple_faces",
  "low_detection_score",
  "face_too_small",
  "too_blurred",
  "too_dark",
  "too_bright",
  "turned",
  "covered",
];

/** @type {Readonly<Record<string, Direction>>} */
const DIRECTIONS = { face_too_small: "closer" };

/**
 * @param {CheckAnswer} answer
 * @param {{width: number, height: number}} picture pixels of the one that was looked at
 * @param {number} mostHeight share of it that the face may have
 * @returns {Advice}
 */
export function adviceOf(answer, picture, mostHeight) {
  if (!answer.usable) {
    return refused(answer);
  }
  const misplaced = answer.face === null ? null : placement(answer.face, picture, mostHeight);
  if (misplaced !== null) {
    return { state: "adjust", detail: "", ...misplaced };
  }
  return { state: "good", word: "word.good", detail: "", direction: "none" };
}

/**
 * @param {CheckAnswer} answer
 * @returns {Advice}
 */
function refused({ reason, advice }) {
  const known = reason !== null && WORDS.includes(reason);
  return {
    state: reason === "no_face" ? "search" : "adjust",
    word: known ? `word.${reason}` : "word.other",
    detail: reason === "no_face" ? "" : (advice ?? ""),
    direction: DIRECTIONS[reason ?? ""] ?? "none",
  };
}

/**
 * Where to go so that the face is in the oval.
 * @param {{x: number, y: number, width: number, height: number}} face
 * @param {{width: number, height: number}} picture
 * @param {number} mostHeight
 * @returns {{word: string, direction: Direction} | null} null where it is there
 */
function placement(face, picture, mostHeight) {
  const height = face.height / picture.height;
  const aside = (face.x + face.width / 2) / picture.width - 0.5;
  const below = (face.y + face.height / 2) / picture.height - 0.5;
  if (height < LEAST_HEIGHT) {
    return { word: "word.face_too_small", direction: "closer" };
  }
  if (height > mostHeight) {
    return { word: "word.farther", direction: "none" };
  }
  if (Math.abs(aside) > MOST_ASIDE) {
    // Frames are not mirrored: at their left is the person's right, from where one goes to the left.
    return aside < 0
      ? { word: "word.to_left", direction: "left" }
      : { word: "word.to_right", direction: "right" };
  }
  if (Math.abs(below) > MOST_ASIDE) {
    return below < 0 ? { word: "word.lower", direction: "down" } : { word: "word.higher", direction: "up" };
  }
  return null;
}
