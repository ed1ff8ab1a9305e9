/** The clients of a soak, and what they find. */
import { connect, load, type LoadErrorKind, ping } from "../../client.ts";
import type { Endpoint } from "../../server.ts";
import type { Stream } from "../../net/stream.ts";
import { inputOf, nowhere, open, STREAMS } from "../faulty.ts";
import { random } from "../local.ts";
import { pause, watchLateness } from "../machine.ts";
import { ca } from "../servers.ts";
import type { Watched } from "./watched.ts";

/** Longer than all that holds up the server together, in milliseconds. */
export const PATIENT = 30_000;

/** How many mistakes are printed. */
const MAX_PRINTED = 20;

/** In a round that counts the event loop is at most this late, in milliseconds. */
const MAX_LATE = 100;

/** Ends the soak. */
export const stop = new AbortController();
const { signal } = stop;

/** What has passed so far. */
export const tally = {
  connections: 0,
  bytes: 0,
  /** Datagrams that did not come back, which may happen. */
  datagramsLost: 0,
  /** Errors that clients of the server with faults found. */
  faultsFound: 0,
  mistakes: 0,
  /** Rounds that do not count. */
  disturbed: 0,
};

/** The mistakes of a round, until it is known whether it counts. */
let held: string[] | undefined;

/** Counts and prints what should never happen. */
export function mistake(what: string): void {
  if (held !== undefined) held.push(what);
  else if (tally.mistakes++ < MAX_PRINTED) console.log(`mistake: ${what}`);
}

/** Runs a round. It does not count if the event loop was late, since then its clients were. */
export async function inRound(round: () => Promise<void>): Promise<void> {
  const found: string[] = held = [];
  const lateness = watchLateness();
  await round();
  const late = Math.round(lateness());
  held = undefined;
  if (late <= MAX_LATE) return found.forEach(mistake);
  tally.disturbed++;
  const mistakes = found.length === 0 ? "no mistakes" : `${found.length} mistakes: ${found[0]}`;
  console.log(`the next round does not count: the event loop was ${late} ms late; ${mistakes}`);
}

/** A random whole number from `least` to `most`. */
export function chance(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

/** A load of some milliseconds, verified; `excused` are the errors that may happen. */
export async function loadFor(
  duration: number,
  endpoint: Endpoint,
  excused: readonly LoadErrorKind[] = [],
): Promise<void> {
  const udp = endpoint.scheme === "udp";
  const reconnect = !udp && Math.random() < 0.3;
  const { connections, bytes, errors, examples } = await load(endpoint, {
    duration,
    // More handshakes of TLS at once would keep the event loop busy.
    connections: chance(1, endpoint.scheme === "tls" ? 8 : 20),
    size: chance(1, udp ? 1400 : 16_384),
    rate: chance(100, 400),
    pipeline: reconnect ? 1 : chance(1, 8),
    reconnect,
    timeout: excused.length > 0 ? 3000 : PATIENT,
    tls: { ca },
    signal,
  });
  tally.connections += connections;
  tally.bytes += bytes.received;
  const all = Object.values(errors).reduce((sum, count) => sum + count, 0);
  if (excused.length > 1) tally.faultsFound += all;
  else if (udp) tally.datagramsLost += errors.lost;
  for (const example of examples) {
    const isExcused = excused.some((kind) => example.startsWith(`${kind}:`));
    if (!isExcused) mistake(`load ${endpoint.scheme}: ${example}`);
  }
}

/** Sends bytes and verifies the echo, several times. */
export async function connectOften(endpoint: Endpoint): Promise<void> {
  for (let i = 0; i < 5 && !signal.aborted; i++) {
    const input = inputOf(random(chance(0, 300_000)));
    const options = { input, output: nowhere, timeout: PATIENT, verify: true, tls: { ca } };
    await connect(endpoint, options).then(
      ({ received }) => tally.bytes += received,
      (error) => mistake(`connect ${endpoint.scheme}: ${error.message}`),
    );
    tally.connections++;
    await pause(chance(0, 300));
  }
}

/** A connection for each probe. */
export async function pingOften(endpoint: Endpoint): Promise<void> {
  const options = { count: 30, interval: 50, timeout: PATIENT, reconnect: true, tls: { ca } };
  const { received, lost, unsent, corrupted, repeated, unexpected } = await ping(endpoint, {
    ...options,
    signal,
  });
  tally.connections += received;
  tally.bytes += received * 56;
  const wrong = lost + unsent + corrupted + repeated + unexpected;
  if (wrong > 0) mistake(`ping ${endpoint.scheme}: ${wrong} of its probes went wrong`);
}

/** Clients that behave badly; only what happens to the others matters. */
export async function strangers(server: Watched): Promise<void> {
  const bad = [reset, resetAtOnce, leaveInHandshake, sendNoEnd, neverRead, neverSend];
  const endpoints = STREAMS.map(server.endpoint);
  await Promise.all(bad.flatMap((behave) => endpoints.map((endpoint) => behave(endpoint))));
}

/** A client that opens connections, does something with them and closes them, several times. */
function stranger(
  times: number,
  act: (stream: Stream) => Promise<unknown>,
  dial = (endpoint: Endpoint): Promise<Stream & Disposable> => open({ endpoint }, PATIENT),
) {
  async function once(endpoint: Endpoint): Promise<void> {
    using stream = await dial(endpoint);
    await act(stream);
  }
  return async (endpoint: Endpoint) => {
    for (let i = 0; i < times && !signal.aborted; i++) {
      tally.connections++;
      // It may be refused, or find its connection gone.
      await once(endpoint).catch(() => {});
      await pause(chance(0, 100));
    }
  };
}

/** Closing with something unread is a reset, on Linux. */
const reset = stranger(10, async (stream) => {
  await stream.write(random(chance(1, 100_000)));
  await pause(chance(0, 30));
});

const neverRead = stranger(1, async (stream) => {
  const written = stream.write(random(1024 * 1024)).catch(() => {});
  await Promise.race([written, pause(2000)]);
  await pause(500);
});

const neverSend = stranger(2, () => pause(1000));

const sendNoEnd = stranger(3, async (stream) => {
  await stream.write(random(chance(1, 1000)));
  await stream.read(new Uint8Array(10));
  await stream.closeWrite();
  await pause(chance(0, 500));
});

const withoutTls = (endpoint: Endpoint): Promise<Deno.Conn> =>
  endpoint.scheme === "unix"
    ? Deno.connect({ transport: "unix", path: endpoint.path })
    : Deno.connect({ hostname: endpoint.host, port: endpoint.port });

/** Sends the first bytes of a handshake of TLS only; to other transports they are data. */
const leaveInHandshake = stranger(5, async (conn) => {
  await conn.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, ...random(chance(0, 500))));
  await pause(chance(0, 50));
}, withoutTls);

async function resetAtOnce(endpoint: Endpoint): Promise<void> {
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => withoutTls(endpoint)));
  tally.connections += all.length;
  for (const one of all) {
    if (one.status === "fulfilled") one.value.close();
  }
}
