/** @type {import("../common/texts.js").Table} */
export const EN = {
  title: "Console",
};
