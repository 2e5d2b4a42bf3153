// Enrolls a person by one photograph and verifies them by another.
//
//     FACE_URL=http://127.0.0.1:23535 FACE_KEY=face_... node enroll.js default user-1 first.jpg second.jpg
import { readFile } from "node:fs/promises";
import { FaceClient, Problem } from "face-client";

const [collection = "", subjectId = "", first = "", second = ""] = process.argv.slice(2);
const { FACE_URL = "", FACE_KEY = "" } = process.env;
const client = new FaceClient(FACE_URL, { key: FACE_KEY, language: "en" });

try {
  await client.enroll(subjectId, await readFile(first), { collection });
  const found = await client.verify(subjectId, await readFile(second), { collection });
  console.log(found.match ? "match" : "no match", found.recommendation);
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  if (error.code === "duplicate_subject") console.log("enrolled already:", error.errors);
  else if (error.code === "no_usable_face") console.log("take another one:", error.errors[0]?.advice);
  else throw error;
}
