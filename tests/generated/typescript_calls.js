// What an integrator writes over the types that openapi-typescript makes, by openapi-fetch.
//
//   node typescript_calls.js URL KEY COLLECTION PHOTO PHOTO STRANGER
//
// Prints what came of each call, as JSON.

import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";

const [url, key, collection, ...photos] = process.argv.slice(2);
const [first, second, stranger] = photos.map((photo) => readFileSync(photo));

/** @type {import("openapi-fetch").Client<import("./face.d.ts").paths>} */
const client = createClient({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

/** @param {Buffer} photo */
const text = (photo) => photo.toString("base64");

/**
 * The types have files as strings, since OpenAPI has no type of its own for them.
 * @param {Buffer} photo
 * @returns {any}
 */
const file = (photo) => new Blob([new Uint8Array(photo)]);

/**
 * @param {Record<string, any>} body
 * @returns {FormData}
 */
function form(body) {
  const data = new FormData();
  for (const [name, value] of Object.entries(body)) {
    for (const one of [value].flat()) {
      data.append(name, one instanceof Blob || typeof one === "string" ? one : JSON.stringify(one));
    }
  }
  return data;
}

await client.PUT("/admin/collections/{collection}", {
  params: { path: { collection } },
  body: {
    maxFalseCandidates: 0.5,
    duplicatePolicy: "reject",
    duplicateProfile: "balanced",
    requireLiveness: "none",
  },
});
const changed = await client.PATCH("/admin/collections/{collection}", {
  params: { path: { collection } },
  body: { faces: "dominant" },
});
const byJson = await client.POST("/enroll", {
  body: { subjectId: "by-json", collection, mode: "create", images: [text(first)], metadata: { till: 4 } },
});
const refused = await client.POST("/enroll", {
  params: { header: { "Accept-Language": "en" } },
  body: { subjectId: "by-form", collection, mode: "create", images: [file(second)] },
  bodySerializer: form,
});
const byForm = await client.POST("/enroll", {
  body: {
    subjectId: "by-form",
    collection,
    mode: "create",
    images: [file(second)],
    onDuplicate: "flag",
    metadata: { till: 5 },
  },
  bodySerializer: form,
});
const [same, other] = await Promise.all(
  [second, stranger].map((photo) =>
    client.POST("/verify", { body: { subjectId: "by-json", collection, images: [text(photo)] } }),
  ),
);
const found = await client.POST("/dedupe", {
  body: { collection, limit: 10, images: [file(second)] },
  bodySerializer: form,
});
const waiting = await client.GET("/admin/duplicates", { params: { query: { collection } } });
const decided = await client.POST("/admin/duplicates/{duplicateId}/resolve", {
  params: { path: { duplicateId: waiting.data?.duplicates[0]?.duplicateId ?? "" }, query: { collection } },
  body: { decision: "same_person", force: false },
});
const deleted = await client.DELETE("/admin/subjects/{subjectId}", {
  params: { path: { subjectId: "by-json" }, query: { collection } },
});
const gone = await client.POST("/verify", {
  body: { subjectId: "by-json", collection, images: [text(first)] },
});

const duplicate = refused.error?.errors?.[0];
console.log(
  JSON.stringify({
    collection: [changed.data?.maxFalseCandidates, changed.data?.faces],
    enrolled: [byJson.data?.subjectId, byForm.data?.subjectId],
    refused: [
      refused.error?.status,
      refused.error?.code,
      duplicate && "subjectId" in duplicate ? duplicate.subjectId : null,
    ],
    flagged: byForm.data?.duplicates.map((one) => one.subjectId),
    verified: [same.data?.match, same.data?.recommendation, other.data?.match],
    duplicates: found.data?.candidates.map((one) => one.subjectId).sort(),
    decided: [decided.data?.subjectId, decided.data?.duplicateOf, decided.data?.decision],
    deleted: deleted.data?.templatesDeleted,
    gone: gone.error?.code,
  }),
);
