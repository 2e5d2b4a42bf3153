// API keys: which there are and when each was last used; one is made, another revoked.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { ask } from "./dialog.js";
import { makeKey } from "./key_form.js";
import { attempt } from "./problem.js";
import { table } from "./table.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").ApiKey} ApiKey */

/** @type {import("./context.js").View} */
export async function showKeys(context, place) {
  const { texts } = context;
  const secret = element("div");
  const list = element("div", { class: "stack" });
  const refresh = () =>
    attempt(context, place, async () => {
      const { apiKeys } = await context.calls.apiKeys();
      const revoked = (/** @type {string} */ name) => void refresh().then(() => focusRow(list, name));
      list.replaceChildren(keyTable(context, apiKeys, revoked));
    });
  const make = () => void makeKey(context, secret).then((made) => (made ? refresh() : undefined));
  place.append(
    element("h1", { tabindex: "-1" }, texts.get("keys.title")),
    element("p", { class: "lead" }, texts.get("keys.lead")),
    element("div", { class: "actions" }, button(texts.get("keys.make"), make, "primary")),
    secret,
    list,
  );
  await refresh();
}

/**
 * @param {Context} context
 * @param {ApiKey[]} keys
 * @param {(name: string) => void} revoked
 */
function keyTable(context, keys, revoked) {
  const { texts, formats } = context;
  const moment = (/** @type {string | null} */ at, /** @type {string} */ never) =>
    at === null
      ? texts.get(never)
      : element("time", { datetime: at, title: formats.moment(at) }, formats.ago(at));
  const rows = keys.map((key) => [
    key.name,
    stateTag(context, key),
    key.scopes.join(", "),
    key.collections.length ? key.collections.join(", ") : texts.get("keys.all"),
    moment(key.lastUsedAt, "keys.never_used"),
    key.expiresAt === null ? texts.get("keys.never_expires") : formats.moment(key.expiresAt),
    formats.day(key.createdAt),
    stateOf(key) === "valid" ? revokeButton(context, key, revoked) : "",
  ]);
  const columns = [
    { title: texts.get("keys.name") },
    { title: texts.get("keys.state") },
    { title: texts.get("keys.scopes") },
    { title: texts.get("keys.collections") },
    { title: texts.get("keys.last_used") },
    { title: texts.get("keys.expires") },
    { title: texts.get("keys.created") },
    { title: texts.get("keys.revoke"), kind: /** @type {const} */ ("action") },
  ];
  return table(texts.get("keys.title"), columns, rows, texts.get("keys.none"));
}

/**
 * The key that was revoked, in a table that was made anew.
 * @param {HTMLElement} list
 * @param {string} name
 */
function focusRow(list, name) {
  const rows = [...list.querySelectorAll("th[scope='row']")];
  const row = rows.find((one) => one.textContent === name);
  if (!(row instanceof HTMLElement)) return;
  row.tabIndex = -1;
  row.focus();
}

/** @param {ApiKey} key */
function stateOf({ revokedAt, expiresAt }) {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && new Date(expiresAt).getTime() <= Date.now() ? "expired" : "valid";
}

/**
 * @param {Context} context
 * @param {ApiKey} key
 */
function stateTag({ texts }, key) {
  const state = stateOf(key);
  return element("span", { class: `tag ${state === "valid" ? "within" : ""}` }, texts.get(`keys.${state}`));
}

/**
 * @param {Context} context
 * @param {ApiKey} key
 * @param {(name: string) => void} revoked
 */
function revokeButton(context, { name }, revoked) {
  const { texts } = context;
  const revoke = async () => {
    const done = await ask(context, {
      title: texts.get("keys.revoke.title", { name }),
      content: [element("p", {}, texts.get("keys.revoke.effect", { name }))],
      action: texts.get("keys.revoke.confirm", { name }),
      danger: true,
      submit: async () => {
        await context.calls.revokeApiKey(name);
      },
    });
    if (!done) return;
    context.say(texts.get("keys.revoked_now", { name }));
    revoked(name);
  };
  const label = texts.get("keys.revoke.confirm", { name });
  return button(texts.get("keys.revoke"), () => void revoke(), "danger small", { "aria-label": label });
}
