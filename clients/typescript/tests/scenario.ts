// What all clients go through, in TypeScript; prints what came of it as JSON. The other clients' are the same.
import { openAsBlob } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter } from "node:path";
import { inspect } from "node:util";
import { FaceClient, Problem, ServiceUnreachable, UnexpectedAnswer } from "face-client";

const [first = "", second = "", stranger = ""] = setting("PHOTOS").split(delimiter);
const key = setting("KEY");
const collection = setting("COLLECTION");
const client = new FaceClient(setting("URL"), { key, language: "en" });

function setting(name: string): string {
  return process.env[`FACE_${name}`] ?? "";
}

function other(name: string): FaceClient {
  return new FaceClient(setting(name), { key });
}

/** Through a door that is shut at first. */
async function enrollment() {
  await client.putCollection(collection, { retentionDays: 30 });
  const metadata = { door: "north" };
  const enrolled = await other("BUSY_URL").enroll("kim", await readFile(first), { collection, metadata });
  return { enrolled: enrolled.subjectId, "images used": enrolled.imagesUsed };
}

async function answers() {
  const again = await client.verify("kim", await openAsBlob(second), { collection });
  const stranged = await client.verify("kim", await readFile(stranger), { collection });
  const photo = await readFile(second);
  const dedupe = await client.dedupe(photo, { collection });
  const token = await client.tokenFromImages([await readFile(first), photo]);
  return {
    match: again.match,
    stranger: [stranged.match, stranged.recommendation],
    duplicate: [dedupe.duplicate, dedupe.candidates[0]?.subjectId],
    identified: (await client.identify(photo, { collection })).match,
    usable: (await client.check(await readFile(first))).usable,
    numbers: token.embedding?.length,
    camera: (await client.tokenFromCamera(1)).embedding?.length,
    "second enrollment": await refusal(client.enroll("lee", photo, { collection })),
  };
}

async function liveness() {
  const session = await client.beginSession("verify", { subjectId: "kim", collection });
  const frames = await client.takeFrames(session.sessionId, 0, [await readFile(first)]);
  return { challenge: session.challenge[0]?.do, frames: frames.accepted };
}

async function administration() {
  return {
    subjects: (await client.listSubjects({ collection })).subjects.map((one) => one.subjectId),
    metadata: (await client.showSubject("kim", { collection })).metadata,
    templates: (await client.exportSubject("kim", { collection })).templates.length,
    retention: (await client.showCollection(collection)).retentionDays,
  };
}

async function duplicates() {
  await client.enroll("lee", await readFile(second), { collection, onDuplicate: "flag" });
  const [flagged] = (await client.listDuplicates({ collection })).duplicates;
  const resolved = await client.resolveDuplicate(flagged?.duplicateId ?? "", "same_person", { collection });
  const renamed = await client.renameSubject("lee", "lee-2", { collection });
  const merged = await client.mergeSubject("kim", "lee-2", { collection });
  const unlocked = await client.unlockSubject("kim", { collection });
  return {
    flagged: [flagged?.subjectId, flagged?.duplicateOf],
    decision: resolved.decision,
    renamed: renamed.subjectId,
    merged: merged.subjectId,
    gone: await refusal(client.showSubject("lee-2", { collection })),
    locked: unlocked.lockedUntil,
  };
}

async function apiKeys() {
  const name = `${collection}-key`;
  const made = await client.createApiKey(name, ["verify"], { collections: [collection] });
  const bound = new FaceClient(client.url, { key: made.apiKey });
  const photo = await readFile(second);
  const { match } = await bound.verify("kim", photo, { collection });
  await client.revokeApiKey(name);
  const { apiKeys } = await client.listApiKeys();
  return {
    "match by new key": match,
    revoked: apiKeys.some((each) => each.name === name && each.revokedAt !== null),
    "revoked key": await refusal(bound.verify("kim", photo, { collection })),
  };
}

async function deletion() {
  return {
    deleted: (await client.deleteSubject("kim", { collection })).templatesDeleted,
    "after deletion": await refusal(client.verify("kim", await readFile(first), { collection })),
  };
}

async function failures() {
  return {
    "wrong key": await refusal(new FaceClient(client.url, { key: "face_wrong" }).listSubjects()),
    redirect: await refusal(other("MOVED_URL").listSubjects()),
    "unknown certificate": await refusal(other("UNTRUSTED_URL").readyz()),
    "no service": await refusal(other("CLOSED_URL").deleteSubject("kim")),
  };
}

/** Status and code where the service refused, else what became of the call. */
async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Problem) return `${error.status} ${error.code}`;
    if (error instanceof UnexpectedAnswer) return "unexpected answer";
    if (error instanceof ServiceUnreachable) return "unreachable";
    throw error;
  }
  return "none";
}

const said = {
  client: inspect(client, { showHidden: true }) + JSON.stringify(client),
  methods: Object.getOwnPropertyNames(FaceClient.prototype).filter((name) => name !== "constructor"),
  ...(await enrollment()),
  ...(await answers()),
  ...(await liveness()),
  ...(await administration()),
  ...(await duplicates()),
  ...(await apiKeys()),
  ...(await deletion()),
  ...(await failures()),
};
console.log(JSON.stringify(said));
