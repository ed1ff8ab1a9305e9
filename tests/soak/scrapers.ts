/** Clients of `--metrics`: one that behaves, and others that do not. */
import { dialPort, readBytes, writeAll } from "../local.ts";
import { pause } from "../machine.ts";
import { chance, mistake, stop, tally } from "./clients.ts";
import type { Watched } from "./watched.ts";

/** Requests that never end, or whose answers are not read. */
const UNFINISHED = [
  "",
  "GET /metrics HTTP/1.1\r\n",
  "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
  "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2000),
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

const BAD_HOSTS = ["a b", "[::1", "x:99999", "\x1b[31m"];

/** The most of an answer, in bytes. */
const MAX_ANSWER = 1_000_000;

/** Sends requests that never end on connections of their own, which it closes when disposed. */
export async function holdUnfinished({ metrics }: Watched): Promise<Disposable> {
  const conns = await Promise.all(UNFINISHED.map(() => dialPort(metrics)));
  for (const [i, conn] of conns.entries()) {
    // The server may close it before.
    writeAll(conn, new TextEncoder().encode(UNFINISHED[i])).catch(() => {});
  }
  return { [Symbol.dispose]: () => conns.forEach((conn) => conn.close()) };
}

/** Scrapes for some milliseconds, beside clients that misbehave. */
export async function scrapeFor(duration: number, server: Watched): Promise<void> {
  const end = performance.now() + duration;
  async function repeat(act: () => Promise<void>): Promise<void> {
    while (performance.now() < end && !stop.signal.aborted) {
      await act();
      await pause(chance(0, 300));
    }
  }
  await Promise.all([
    repeat(() => scrape(server, "localhost", "200 ")),
    repeat(() => scrape(server, BAD_HOSTS[chance(0, 3)] ?? "", "400 ")),
    repeat(async () => {
      using _unfinished = await holdUnfinished(server);
      tally.connections += UNFINISHED.length;
      await pause(chance(0, 1000));
    }),
  ]);
}

async function scrape({ metrics }: Watched, host: string, expected: string): Promise<void> {
  using conn = await dialPort(metrics);
  tally.connections++;
  const request = `GET /metrics HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  await writeAll(conn, new TextEncoder().encode(request));
  const answer = new TextDecoder().decode(await readBytes(conn, MAX_ANSWER));
  if (!answer.startsWith(`HTTP/1.1 ${expected}`)) {
    mistake(`metrics, ${JSON.stringify({ host, answer: answer.slice(0, 60) })}`);
  }
}
