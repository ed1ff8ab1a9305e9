/** Loads in this process, and assertions for each of them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.20.0/dist/2020.js";
import { load, type LoadOptions, type LoadProgress, type LoadResult } from "../client.ts";
import { addProgress } from "../client/load/result.ts";
import type { LoadJson } from "../report/load_json.ts";
import schema from "../report/load.schema.json" with { type: "json" };
import type { Endpoint } from "../server.ts";
import { PATIENT } from "./machine.ts";
import type { Result } from "./program.ts";
import { ca } from "./servers.ts";

/** Runs a load that has to end by itself, and whose counts have to add up. */
export async function finish(
  endpoint: Endpoint | string,
  options: LoadOptions,
): Promise<LoadResult> {
  const stop = new AbortController();
  const tooLong = setTimeout(() => stop.abort(), PATIENT);
  const patient = { tls: { ca }, timeout: PATIENT, ...options, signal: stop.signal };
  const result = await load(endpoint, patient).finally(() => clearTimeout(tooLong));
  assertAddsUp(result);
  assert(!stop.signal.aborted, `it did not end by itself: ${JSON.stringify(result.messages)}`);
  assertEquals(result.messages.waiting, 0);
  return result;
}

/** Starts a load that a test ends. */
export function startLoad(endpoint: Endpoint | string, options: LoadOptions) {
  const stop = new AbortController();
  let last = addProgress();
  const onProgress = (now: LoadProgress) => void (last = now);
  const own = { signal: stop.signal, onProgress };
  const loading = load(endpoint, { tls: { ca }, timeout: PATIENT, ...options, ...own });
  /** Its counts have to add up. */
  async function end(): Promise<LoadResult> {
    stop.abort();
    const result = await loading;
    assertAddsUp(result);
    return result;
  }
  return {
    get last() {
      return last;
    },
    end,
    [Symbol.asyncDispose]: async () => void await end(),
  };
}

/** Asserts that every message counts once. */
export function assertAddsUp(
  { messages, latencies }: Pick<LoadResult, "messages" | "latencies">,
): void {
  const { sent, right, failed, waiting } = messages;
  assertEquals(right + failed + waiting, sent, JSON.stringify(messages));
  assertEquals(latencies.count, right);
}

/** The errors, without the kinds that did not occur. */
export function errorsOf({ errors }: Pick<LoadResult, "errors">): Record<string, number> {
  return Object.fromEntries(Object.entries(errors).filter(([, count]) => count > 0));
}

/** The text of an error without what differs each time. */
export function plain(text: string | undefined): string {
  return (text ?? "").replace(/0x[0-9a-f]{2}/g, "0xNN");
}

const ajv = new Ajv2020({ formats: { "date-time": (text: string) => !isNaN(Date.parse(text)) } });

/** Whether something is what the schema of `--json` describes. */
export const validate = ajv.compile(schema);

/** Reads what was printed, which has to be one JSON object that the schema describes. */
export function reportOf({ stdout }: Pick<Result, "stdout">): LoadJson {
  assertMatch(stdout, /^[^\n]*\n$/);
  const report: LoadJson = JSON.parse(stdout);
  assert(validate(report), `${ajv.errorsText(validate.errors)}: ${stdout}`);
  return report;
}
