/** A client of the face enrollment service, for browsers and Node.js: `FaceClient`. */
export type * from "./answers.js";
export { FaceClient } from "./client.js";
export type {
  AuditOptions,
  CallOptions,
  ClientOptions,
  EnrollOptions,
  FaceOptions,
  PageOptions,
  SearchOptions,
} from "./client.js";
export { FaceClientError, Problem, ServiceUnreachable, UnexpectedAnswer, type Code } from "./errors.js";
export type { Face, Photo, Photos } from "./face.js";
export type { Retries } from "./outcome.js";
