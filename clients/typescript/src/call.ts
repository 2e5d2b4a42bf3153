import type { Face, Photos } from "./face.js";
import { isPhotos, partsOf } from "./face.js";

/** What is sent, and what may be done when it fails.
 *
 * `once`: done twice it is not as done once, so that a lost answer is not asked for again.
 * `accepted`: a status beside 2xx that brings an answer.
 */
export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Fields;
  headers?: Record<string, string>;
  json?: Fields;
  form?: Fields;
  photos?: Photos;
  once?: true;
  accepted?: number;
  signal?: AbortSignal | undefined;
}

export type Fields = Record<string, unknown>;

/** An address of these parts, whatever they hold. */
export function path(...parts: string[]): string {
  for (const part of parts) {
    if (["", ".", ".."].includes(part)) throw new TypeError(`"${part}" names nothing`);
  }
  return parts.map((part) => `/${encodeURIComponent(part)}`).join("");
}

/** The body of a call about a face: photographs make it a form. */
export function faceBody(face: Face, fields: Fields): Pick<Call, "json" | "form" | "photos"> {
  return isPhotos(face) ? { form: fields, photos: face } : { json: { ...given(fields), ...face } };
}

/** `call` as the arguments of `fetch`, made anew for each try. */
export function requestOf(base: string, call: Call): [string, RequestInit] {
  const query = new URLSearchParams(texts(call.query ?? {})).toString();
  const headers: Record<string, string> = { ...call.headers };
  const request: RequestInit = { method: call.method, headers };
  if (call.json) {
    headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(call.json);
  } else if (call.form) {
    request.body = formOf(call.form, call.photos ?? []);
  }
  return [base + call.path + (query && `?${query}`), request];
}

/** Those that are there. */
export function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function formOf(fields: Fields, photos: Photos): FormData {
  const form = new FormData();
  for (const [name, value] of texts(fields)) form.append(name, value);
  partsOf(photos).forEach((photo, number) => form.append("images", photo, String(number)));
  return form; // without the files' own names, which may tell who is on them
}

function texts(fields: Fields): [string, string][] {
  return Object.entries(given(fields)).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
}
