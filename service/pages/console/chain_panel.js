// The state of the audit log's chain, as far as a caller of the API can tell it. Only `face audit verify`
// has the key by which each record vouches for the one before.

import { element } from "../common/dom.js";
import { copyable } from "./download.js";
import { facts } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").AuditRecord} AuditRecord */

/** The first record that each context has seen: it must be the same whenever it is asked for again. */
const noted = /** @type {WeakMap<Context, AuditRecord>} */ (new WeakMap());

/** @param {Context} context */
export async function chainPanel(context) {
  const { texts, formats, calls } = context;
  const { records } = await calls.audit({ limit: 1 });
  const newest = records[0];
  if (!newest) return element("p", { class: "empty" }, texts.get("audit.none"));
  const before = noted.get(context);
  if (!before) noted.set(context, newest);
  const stands = before ? await isUnchanged(context, before) : null;
  const checkpoint = `${newest.sequence}:${newest.digest}`;
  const panel = element("section", { class: `panel ${stands === false ? "attention" : ""}` });
  panel.append(
    element("h2", {}, texts.get("chain.title")),
    facts([
      [texts.get("chain.newest"), `${formats.whole(newest.sequence)} · ${formats.moment(newest.at)}`],
      [texts.get("chain.stands"), standing(context, before, stands)],
    ]),
    element("p", {}, texts.get("chain.verify")),
    copyable(context, texts.get("chain.command"), `face audit verify --expect ${checkpoint}`),
  );
  return panel;
}

/**
 * @param {Context} context
 * @param {AuditRecord | undefined} before
 * @param {boolean | null} stands
 */
function standing({ texts, formats }, before, stands) {
  if (!before || stands === null) return texts.get("chain.first");
  const words = {
    sequence: formats.whole(before.sequence),
    at: formats.clock(new Date(before.at).getTime()),
  };
  return texts.get(stands ? "chain.unchanged" : "chain.changed", words);
}

/**
 * @param {Context} context
 * @param {AuditRecord} before
 */
async function isUnchanged({ calls }, before) {
  const { records } = await calls.audit({ limit: 1, cursor: before.sequence + 1 });
  return records[0]?.sequence === before.sequence && records[0].digest === before.digest;
}
