// A collection is deleted with all of its people, once its name was typed; `default` is emptied instead.

import { element } from "../common/dom.js";
import { button } from "./button.js";
import { ask } from "./dialog.js";
import { isTyped, textField } from "./fields.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./answers.js").Collection} Collection */

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {() => void} done
 */
export function deletionPanel(context, collection, done) {
  const { texts } = context;
  const isDefault = collection.collection === "default";
  const remove = () => void confirmed(context, collection, isDefault).then((went) => went && done());
  return element(
    "section",
    { class: "panel" },
    element("h2", {}, texts.get("settings.delete")),
    element("p", {}, texts.get("collection.delete.lead")),
    button(texts.get(isDefault ? "collection.empty" : "collection.delete"), remove, "danger"),
  );
}

/**
 * @param {Context} context
 * @param {Collection} collection
 * @param {boolean} isDefault
 */
function confirmed(context, { collection, templates }, isDefault) {
  const { texts, formats } = context;
  const words = { collection, people: formats.whole(templates) };
  return ask(context, {
    title: texts.get(isDefault ? "collection.empty.title" : "collection.delete.title", words),
    content: [
      element("p", {}, texts.get("collection.delete.effect", words)),
      textField("typed", texts.get("confirm.type", { name: collection }), ""),
    ],
    action: texts.get("collection.delete.confirm", words),
    danger: true,
    isComplete: (form) => isTyped(texts, form, collection),
    submit: async () => {
      const { templatesDeleted } = await context.calls.deleteCollection(collection);
      const people = formats.whole(templatesDeleted);
      context.say(texts.get("collection.deleted", { collection, people }));
    },
  });
}
