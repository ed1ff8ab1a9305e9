/** Whether a server that is ended answers every byte that it has received. */
import { StreamVerifier } from "../../client/verify/echo.ts";
import type { Stream } from "../../net/stream.ts";
import type { STREAMS } from "../faulty.ts";
import { random, writeAll } from "../local.ts";
import { pause } from "../machine.ts";
import { chance, mistake, tally } from "./clients.ts";
import { openAll } from "./crowd.ts";
import { holdUnfinished } from "./scrapers.ts";
import { startWatched } from "./watched.ts";

/** How many clients are busy, and how many others reset their connections. */
export const CLIENTS = 100;
const RESETS = 10;

/** How many connect at the same time: handshakes of TLS keep the event loop busy. */
const AT_ONCE = 5;

/** How long the server has, in milliseconds, and how late it may be. */
const DRAIN = 5000;
const LATE = 1500;

/** Half of the time after which the server takes a client as finished, in milliseconds. */
const QUIET = 100;

/**
 * Ends a server at a random moment while 100 clients are busy, others reset their connections, and
 * requests for metrics never end. Each client has to get back as much as the server says that it
 * received.
 */
export async function drainBusy(scheme: typeof STREAMS[number]): Promise<void> {
  const workers = scheme === "unix" ? [] : ["--workers", String(chance(1, 3))];
  await using server = await startWatched([scheme], ["--drain", `${DRAIN}ms`, ...workers]);
  const state = { isOver: false };
  const streams = await openAll(CLIENTS + RESETS, server, scheme, AT_ONCE);
  const clients = streams.slice(RESETS).map((stream) => beBusy(stream, state));
  const resets = streams.slice(0, RESETS).map((stream) => resetLate(stream, state));
  using _unfinished = await holdUnfinished(server);
  await pause(chance(200, 1000));
  const ended = server.end();
  state.isOver = true;
  const results = await Promise.all(clients);
  await Promise.all(resets);
  const { status, took, log } = await ended;
  tally.bytes += results.reduce((sum, { returned }) => sum + returned, 0);
  const complain = (what: string) => mistake(`drain ${scheme}: ${what}`);
  if (status !== 0) complain(`status ${status}`);
  if (took > DRAIN + LATE) complain(`it took ${Math.round(took)} ms`);
  for (const { wrong } of results) if (wrong !== undefined) complain(wrong);
  const answered = log.filter(({ received_bytes, sent_bytes }) => received_bytes === sent_bytes)
    .map(({ received_bytes }) => Number(received_bytes));
  for (const { returned } of results) {
    const at = answered.indexOf(returned);
    if (at === -1) complain(`a client got ${returned} bytes, and the server had received others`);
    else answered.splice(at, 1);
  }
}

interface Finished {
  /** How many bytes came back as they were sent. */
  readonly returned: number;
  readonly wrong?: string;
}

/** Sends until a little after the end has begun, and reads until the server ends the connection. */
async function beBusy(
  given: Stream & Disposable,
  state: { readonly isOver: boolean },
): Promise<Finished> {
  using stream = given;
  const verifier = new StreamVerifier();
  let returned = 0;
  let isEnded = false;
  async function send(): Promise<void> {
    let last = performance.now();
    for (let left = chance(0, 10); left > 0 && !isEnded;) {
      if (state.isOver) {
        left--;
        // On a busy machine the server may take one that was quiet for so long as finished.
        if (performance.now() - last > QUIET) return;
      }
      last = performance.now();
      const bytes = random(chance(1, 8000));
      verifier.send(bytes);
      await writeAll(stream, bytes);
      await pause(chance(0, 20));
    }
  }
  const sending = send().catch(() => {});
  const into = new Uint8Array(65_536);
  try {
    for (;;) {
      const length = await stream.read(into);
      if (length === null) break;
      const wrong = verifier.receive(into.slice(0, length));
      if (wrong !== undefined) return { returned, wrong };
      returned += length;
    }
    return { returned };
  } catch (error) {
    return { returned, wrong: `it broke: ${error}` };
  } finally {
    isEnded = true;
    await sending;
  }
}

async function resetLate(
  given: Stream & Disposable,
  state: { readonly isOver: boolean },
): Promise<void> {
  using stream = given;
  while (!state.isOver) await pause(20);
  await stream.write(random(50_000)).catch(() => {});
  await pause(chance(0, 50));
}
