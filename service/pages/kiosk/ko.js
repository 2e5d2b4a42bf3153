/** @type {import("../common/texts.js").Table} */
export const KO = {
  title: "얼굴 확인",
};
