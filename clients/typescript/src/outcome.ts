import type { Call } from "./call.js";
import { Problem, ServiceUnreachable, UnexpectedAnswer } from "./errors.js";

/** Of one try: an answer, or why there is none. */
export type Outcome = Answered | Lost;

export interface Answered {
  status: number;
  redirected: boolean;
  retryAfter: number | null;
  /** JSON, or the text where it is none. */
  content: unknown;
}

/** `late`: the service may be at work for it still, so that it is not asked again. */
export interface Lost {
  reason: string;
  late: boolean;
}

/** `most`: further tries of one call. `longestWait`: seconds; a call that is to wait longer fails at once. */
export interface Retries {
  most: number;
  longestWait: number;
}

/** Seconds where the service names none; each further one is twice as long. */
const FIRST_PAUSE = 0.5;

/** Seconds until the next try, null for none. `tries`: how many there were. */
export function pauseAfter(call: Call, outcome: Outcome, tries: number, retries: Retries): number | null {
  if (tries > retries.most || !mayComeRight(call, outcome)) return null;
  const named = "reason" in outcome ? null : outcome.retryAfter;
  const spread = 0.5 + Math.random() / 2; // so that many clients do not come back together
  const pause = named ?? FIRST_PAUSE * 2 ** (tries - 1) * spread;
  return pause <= retries.longestWait ? pause : null;
}

function mayComeRight(call: Call, outcome: Outcome): boolean {
  if ("reason" in outcome) return !call.once && !outcome.late;
  if (outcome.status === call.accepted) return false;
  if (outcome.status === 503) return !call.once || isProblem(outcome.content, "overloaded");
  return outcome.status === 429;
}

/** What the service answered; throws a `FaceClientError`. */
export function answerOf(call: Call, outcome: Outcome): unknown {
  if ("reason" in outcome) throw new ServiceUnreachable(outcome.reason);
  const { status, content } = outcome;
  if (outcome.redirected) {
    throw new UnexpectedAnswer(status, "a redirect, which is not followed: give the client the address it leads to");
  }
  if ((status >= 200 && status < 300) || status === call.accepted) return content;
  if (isProblem(content)) throw new Problem(status, content, outcome.retryAfter);
  throw new UnexpectedAnswer(status, "no problem document of the service");
}

function isProblem(content: unknown, code?: string): content is { code: string } {
  if (typeof content !== "object" || content === null || !("code" in content)) return false;
  return code === undefined ? typeof content.code === "string" : content.code === code;
}

export async function answered(response: Response): Promise<Answered> {
  const seconds = response.headers.get("Retry-After") ?? "";
  return {
    status: response.status,
    redirected: response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400),
    retryAfter: /^\d+$/.test(seconds) ? Number(seconds) : null, // a date, as some proxies send, is as none
    content: contentOf(await response.text(), response.headers.get("Content-Type") ?? ""),
  };
}

function contentOf(text: string, type: string): unknown {
  if (!/[/+]json\b/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
