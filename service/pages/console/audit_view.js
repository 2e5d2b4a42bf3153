// The audit log: what was done and refused, by filters; and whether what was seen before still stands.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { chainPanel } from "./chain_panel.js";
import { clearErrors, selectField, showErrors, textField, valueIn } from "./fields.js";
import { attempt } from "./problem.js";
import { results, table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").AuditQuery} AuditQuery */
/** @typedef {import("./answers.js").AuditRecord} AuditRecord */

const PAGE = 50;

/** What is recorded of what was done; what was not allowed is recorded by method and route. */
const ACTIONS = [
  "enroll",
  "add",
  "replace",
  "verify",
  "search",
  "erase",
  "consent_withdrawn",
  "expire",
  "export",
  "unlock",
  "rename",
  "rename_to",
  "merge",
  "merge_forced",
  "merge_from",
  "duplicate_resolve",
  "collection_set",
  "collection_erase",
  "api_key_create",
  "api_key_revoke",
  "liveness_start",
  "liveness_frames",
  "liveness_verdict",
  "model_move",
  "model_move_cancel",
  "model_move_finish",
  "move",
  "template_retire",
  "key_rotate",
  "key_rewrap",
  "key_destroy",
];

/** @type {import("./context.js").View} */
export async function showAudit(context, place) {
  const { texts } = context;
  const chain = element("div");
  const found = results(texts.get("audit.title"));
  const form = filters(context, (query) => void list(context, place, found, query));
  place.append(
    element("h1", { tabindex: "-1" }, texts.get("audit.title")),
    element("p", { class: "lead" }, texts.get("audit.lead")),
    chain,
    form,
    found,
  );
  await attempt(context, place, async () => chain.replaceChildren(await chainPanel(context)));
  await list(context, place, found, { limit: PAGE });
}

/**
 * @param {Context} context
 * @param {(query: AuditQuery) => void} ask
 */
function filters(context, ask) {
  const { texts, collections } = context;
  const any = /** @type {[string, string]} */ (["", texts.get("any")]);
  const actions = ACTIONS.map((one) => /** @type {[string, string]} */ ([one, texts.get(`action.${one}`)]));
  const names = collections.map(
    ({ collection }) => /** @type {[string, string]} */ ([collection, collection]),
  );
  const form = element("form", { novalidate: true, class: "filters panel" });
  form.append(
    selectField("action", texts.get("audit.action"), "", [any, ...actions], ""),
    selectField("in", texts.get("collection"), "", [any, ...names], ""),
    textField("subject", texts.get("person.id"), texts.get("audit.subject.hint"), { maxlength: 128 }),
    textField("since", texts.get("audit.since"), "", { type: "datetime-local" }),
    textField("until", texts.get("audit.until"), "", { type: "datetime-local" }),
    element("button", { class: "button primary" }, texts.get("audit.show")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isComplete(context, form)) ask(queryOf(form));
  });
  return form;
}

/**
 * A person is looked for in one collection, whose key their hash is made with.
 * @param {Context} context
 * @param {HTMLFormElement} form
 */
function isComplete({ texts }, form) {
  clearErrors(form);
  if (!valueIn(form, "subject") || valueIn(form, "in")) return true;
  showErrors(form, texts.get("form.problem"), [{ id: "in", message: texts.get("audit.subject.problem") }]);
  return false;
}

/**
 * @param {HTMLFormElement} form
 * @returns {AuditQuery}
 */
function queryOf(form) {
  const moment = (/** @type {string} */ name) => {
    const given = valueIn(form, name);
    return given ? new Date(given).toISOString() : undefined;
  };
  return {
    action: valueIn(form, "action"),
    collection: valueIn(form, "in"),
    subjectId: valueIn(form, "subject"),
    since: moment("since"),
    until: moment("until"),
    limit: PAGE,
  };
}

/**
 * @param {Context} context
 * @param {HTMLElement} place
 * @param {HTMLElement} found
 * @param {AuditQuery} query
 */
async function list(context, place, found, query) {
  const { texts } = context;
  await attempt(context, place, async () => {
    const { records, nextCursor } = await context.calls.audit(query);
    const columns = ["at", "action", "outcome", "caller", "collection", "request", "sequence"];
    const older = () =>
      void list(context, place, found, { ...query, cursor: nextCursor ?? undefined }).then(() =>
        found.focus(),
      );
    const more = button(texts.get("audit.older"), older);
    found.replaceChildren(recordTable(context, records, columns), ...(nextCursor === null ? [] : [more]));
    context.tell(texts.get("audit.found", { count: records.length }));
  });
}

/**
 * @param {Context} context
 * @param {AuditRecord[]} records
 * @param {string[]} names of columns
 */
export function recordTable(context, records, names) {
  const { texts } = context;
  const rows = records.map((record) => names.map((name) => cellOf(context, record, name)));
  const columns = names.map((name) => ({ title: texts.get(`audit.${name}`) }));
  return table(texts.get("audit.title"), columns, rows, texts.get("audit.none"));
}

/**
 * @param {Context} context
 * @param {AuditRecord} record
 * @param {string} name
 * @returns {Node | string}
 */
function cellOf({ texts, formats }, record, name) {
  const action = `action.${record.action}`;
  const outcome = `outcome.${record.outcome}`;
  /** @type {Record<string, () => Node | string>} */
  const cells = {
    at: () =>
      element("time", { datetime: record.at, title: formats.ago(record.at) }, formats.moment(record.at)),
    action: () => (texts.has(action) ? texts.get(action) : record.action),
    outcome: () => outcomeTag(record.outcome, texts.has(outcome) ? texts.get(outcome) : record.outcome),
    caller: () => record.caller,
    collection: () => record.collection ?? "–",
    request: () => element("code", {}, record.requestId ?? "–"),
    sequence: () => String(record.sequence),
  };
  return cells[name]();
}

/**
 * @param {string} outcome
 * @param {string} said
 */
function outcomeTag(outcome, said) {
  const went = ["done", "match", "live", "same_person", "different_people"].includes(outcome);
  const answered = ["no_match", "inconclusive"].includes(outcome);
  return element("span", { class: `tag ${went ? "within" : answered ? "" : "above"}` }, said);
}
