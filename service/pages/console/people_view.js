// People of one collection: found by their id or its beginning, listed a page at a time.

import { ApiError, isName } from "../common/api.js";
import { element } from "../common/dom.js";
import { button } from "./button.js";
import { clearErrors, selectField, showErrors, textField, valueIn } from "./fields.js";
import { showPerson } from "./person_view.js";
import { attempt } from "./problem.js";
import { results, table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").PersonEntry} PersonEntry */

const SIZES = ["25", "50", "100"];

/**
 * Where the list stands. `cursors`: where each page up to this one begins.
 * @typedef {{beginning: string, size: number, cursors: (string | undefined)[]}} Place
 */

/** @type {import("./context.js").View} */
export async function showPeople(context, place) {
  await showList(context, place, { beginning: "", size: Number(SIZES[0]), cursors: [undefined] });
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {Place} at
 */
async function showList(context, place, at) {
  const { texts } = context;
  const title = element("h1", { tabindex: "-1" }, texts.get("people.title"));
  const found = results(texts.get("people.title"));
  const form = findForm(context, at, (next) => void list(context, place, found, next));
  place.replaceChildren(title, element("p", { class: "lead" }, texts.get("people.lead")), form, found);
  await list(context, place, found, at);
}

/**
 * @param {Context} context
 * @param {Place} at
 * @param {(next: Place) => void} find
 */
function findForm({ texts }, at, find) {
  const form = element("form", { novalidate: true, role: "search", class: "filters panel" });
  form.append(
    textField("find", texts.get("people.find"), texts.get("people.find.hint"), {
      value: at.beginning,
      maxlength: 128,
    }),
    selectField(
      "size",
      texts.get("page_size"),
      "",
      SIZES.map((size) => [size, size]),
      String(at.size),
    ),
    element("button", { class: "button primary" }, texts.get("find")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearErrors(form);
    const beginning = valueIn(form, "find");
    if (beginning && !isName(beginning)) {
      const message = texts.get("person.id.problem");
      return showErrors(form, texts.get("form.problem"), [{ id: "find", message }]);
    }
    find({ beginning, size: Number(valueIn(form, "size")), cursors: [undefined] });
  });
  return form;
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {HTMLElement} found
 * @param {Place} at
 */
async function list(context, place, found, at) {
  await attempt(context, place, async () => {
    const { people, next } = await pageOf(context, at);
    const back = () => void showList(context, place, at).then(() => place.querySelector("h1")?.focus());
    const open = (/** @type {string} */ subjectId) => void showPerson(context, place, subjectId, back);
    found.replaceChildren(
      tableOf(context, people, open),
      pager(context, at, next, (to) => void list(context, place, found, to).then(() => found.focus())),
    );
    context.tell(context.texts.get("people.found", { count: people.length }));
  });
}

/**
 * Ids are in the order of their bytes, so those that begin alike stand together, right after the beginning
 * itself; the person with just that id is asked for.
 * @param {Context} context
 * @param {Place} at
 * @returns {Promise<{people: PersonEntry[], next: string | null}>}
 */
async function pageOf({ calls, chosen }, { beginning, size, cursors }) {
  const cursor = cursors.at(-1);
  const page = await calls.people(chosen, size, cursor ?? (beginning || undefined));
  const people = page.subjects.filter((one) => one.subjectId.startsWith(beginning));
  const goesOn = people.length === page.subjects.length;
  if (beginning && !cursor) people.unshift(...(await exactly(calls, chosen, beginning)));
  return { people, next: goesOn ? page.nextCursor : null };
}

/**
 * @param {import("./calls.js").Calls} calls
 * @param {string} collection
 * @param {string} subjectId
 * @returns {Promise<PersonEntry[]>}
 */
async function exactly(calls, collection, subjectId) {
  try {
    return [await calls.person(collection, subjectId)];
  } catch (error) {
    if (error instanceof ApiError && error.code === "subject_not_found") return [];
    throw error;
  }
}

/**
 * @param {Context} context
 * @param {PersonEntry[]} people
 * @param {(subjectId: string) => void} open
 */
function tableOf({ texts, formats }, people, open) {
  const rows = people.map((one) => [
    element(
      "button",
      { type: "button", class: "link id", onclick: () => open(one.subjectId) },
      one.subjectId,
    ),
    formats.moment(one.enrolledAt),
    formats.whole(one.templates),
  ]);
  const columns = [
    { title: texts.get("person.id") },
    { title: texts.get("person.enrolled") },
    { title: texts.get("person.templates"), kind: /** @type {const} */ ("number") },
  ];
  return table(texts.get("people.title"), columns, rows, texts.get("people.none"));
}

/**
 * @param {Context} context
 * @param {Place} at
 * @param {string | null} next
 * @param {(to: Place) => void} go
 */
function pager({ texts }, at, next, go) {
  const before = { ...at, cursors: at.cursors.slice(0, -1) };
  const after = { ...at, cursors: [...at.cursors, next ?? undefined] };
  return element(
    "nav",
    { class: "pager", "aria-label": texts.get("pages") },
    button(texts.get("previous"), () => go(before), "", { disabled: at.cursors.length === 1 }),
    element("span", {}, texts.get("page", { number: at.cursors.length })),
    button(texts.get("next"), () => go(after), "", { disabled: next === null }),
  );
}
