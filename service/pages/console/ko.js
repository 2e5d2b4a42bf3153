/** @type {import("../common/texts.js").Table} */
export const KO = {
  title: "관리 콘솔",
};
