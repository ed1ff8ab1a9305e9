// The faults of a server over HTTP.
import { OptionError, YodelError } from "../errors/yodel_error.ts";
import type { Server } from "../server.ts";
import type { Answer, Request } from "./http.ts";

/** Answers GET and PUT of `/faults`, with the faults that are set then. */
export async function answerFaults(
  server: Server | undefined,
  { method, body }: Request,
): Promise<Answer> {
  if (server === undefined) return { status: 503, body: "the server does not listen yet\n" };
  if (body === undefined) return { status: 411, body: "send a Content-Length, not chunks\n" };
  try {
    if (method === "PUT") await setFaults(server, body);
  } catch (error) {
    if (!(error instanceof YodelError)) throw error;
    const flag = error instanceof OptionError ? "--" : "";
    return { status: 400, body: `${flag}${error.message}\n` };
  }
  const { currentFaults } = await server.counts();
  const { faults, seed } = server;
  const injected = Object.fromEntries(faults.map((fault) => [fault, currentFaults[fault] ?? 0]));
  const json = JSON.stringify({ faults, seed, injected }) + "\n";
  return { status: 200, body: json, type: "application/json" };
}

async function setFaults(server: Server, body: string): Promise<void> {
  let set: { faults?: unknown; seed?: unknown; injected?: unknown } | null = null;
  try {
    set = JSON.parse(body);
  } catch {
    // It is refused below.
  }
  const { faults, seed, injected: _, ...others } = set ?? {};
  const isSeed = seed === undefined || typeof seed === "number";
  if (!Array.isArray(faults) || !isSeed || Object.keys(others).length > 0) {
    throw new YodelError('expected JSON such as {"faults": ["delay=20ms"], "seed": 7}');
  }
  await server.setFaults(faults.map(String), { seed: faults.length > 0 ? seed : undefined });
}

/** Whether a browser sends it: with an Origin, or to a name that another site gives the address. */
export function isForeign({ host, hasOrigin }: Request, name: string): boolean {
  const [, own = ""] = /^(.*?)(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return hasOrigin ||
    !["", "localhost", name.toLowerCase()].includes(own) && !/^(\[.*\]|[\d.]+)$/.test(own);
}
