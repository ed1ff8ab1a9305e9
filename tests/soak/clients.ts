/** The clients of a soak: they come, do something and go. */
import { connect, load, type LoadErrorKind, ping } from "../../client.ts";
import type { Endpoint } from "../../server.ts";
import { dial } from "../../net/dial.ts";
import type { Stream } from "../../net/stream.ts";
import { pause, random } from "../local.ts";
import type { Tally } from "./tally.ts";
import type { Watched } from "./watched.ts";

/** The transports with connections. */
export const STREAMS = ["tcp", "tls", "unix"] as const;

/** Longer than all that holds up the server together, in milliseconds. */
const PATIENT = 30_000;

/** What clients need to know. */
export interface Surroundings {
  readonly ca: string;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/** A whole number from `least` to `most`, by chance. */
export function chance(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

/** A load of a few seconds, verified; `excused` are the errors that may happen. */
export async function loadFor(
  duration: number,
  endpoint: Endpoint,
  excused: readonly LoadErrorKind[],
  { ca, tally, signal }: Surroundings,
): Promise<void> {
  const udp = endpoint.scheme === "udp";
  const reconnect = !udp && Math.random() < 0.3;
  const result = await load(endpoint, {
    duration,
    connections: chance(1, 20),
    size: chance(1, udp ? 1400 : 16_384),
    rate: chance(100, 400),
    pipeline: reconnect ? 1 : chance(1, 8),
    reconnect,
    timeout: excused.length > 0 ? 3000 : PATIENT,
    tls: { ca },
    signal,
  });
  tally.add(result, excused);
  if (excused.length > 1) {
    const { errors } = result;
    tally.faultsFound += Object.values(errors).reduce((sum, count) => sum + count, 0);
  }
}

/** Sends a file, so to speak, and asks for every byte of it; several times. */
export async function connectOften(
  endpoint: Endpoint,
  { ca, tally, signal }: Surroundings,
): Promise<void> {
  for (let i = 0; i < 5 && !signal.aborted; i++) {
    const bytes = random(chance(0, 300_000));
    let at = 0;
    await connect(endpoint, {
      input: {
        read(into) {
          const part = bytes.subarray(at, at + Math.min(into.length, chance(1, 65_536)));
          into.set(part);
          at += part.length;
          return Promise.resolve(part.length === 0 ? null : part.length);
        },
      },
      output: { write: (bytes) => Promise.resolve(bytes.length) },
      timeout: PATIENT,
      verify: true,
      tls: { ca },
    }).then(
      ({ received }) => tally.bytes += received,
      (error) => tally.mistake(`connect ${endpoint.scheme}: ${error.message}`),
    );
    tally.connections++;
    await pause(chance(0, 300));
  }
}

/** A connection for each probe. */
export async function pingOften(
  endpoint: Endpoint,
  { ca, tally, signal }: Surroundings,
): Promise<void> {
  const { received, lost, unsent, corrupted, repeated, unexpected } = await ping(endpoint, {
    count: 30,
    interval: 50,
    timeout: PATIENT,
    reconnect: true,
    tls: { ca },
    signal,
  });
  tally.connections += received;
  tally.bytes += received * 56;
  const wrong = lost + unsent + corrupted + repeated + unexpected;
  if (wrong > 0) tally.mistake(`ping ${endpoint.scheme}: ${wrong} of its probes went wrong`);
}

/** Clients that behave badly: nothing that becomes of them matters, only what becomes of others. */
export async function strangers(server: Watched, around: Surroundings): Promise<void> {
  const bad = [reset, resetAtOnce, leaveInHandshake, sendNoEnd, neverRead, neverSend];
  await Promise.all(
    bad.flatMap((behave) => STREAMS.map((scheme) => behave(server.endpoint(scheme), around))),
  );
}

type Stranger = (endpoint: Endpoint, around: Surroundings) => Promise<void>;

/** A stranger that opens connections, does something with them and closes them, so many times. */
function stranger(times: number, act: (stream: Stream) => Promise<unknown>): Stranger {
  return async (endpoint, { ca, tally, signal }) => {
    for (let i = 0; i < times && !signal.aborted; i++) {
      tally.connections++;
      try {
        if (endpoint.scheme === "udp") return;
        const { conn: stream } = await dial(endpoint, { timeout: PATIENT, tls: { ca } });
        await act(stream).catch(() => {});
        stream.close();
      } catch {
        // It may be refused, or find its connection gone.
      }
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

/** Knows nothing of TLS. */
const withoutTls = (endpoint: Endpoint): Promise<Deno.Conn> =>
  endpoint.scheme === "unix"
    ? Deno.connect({ transport: "unix", path: endpoint.path })
    : Deno.connect({ hostname: endpoint.host, port: endpoint.port });

async function resetAtOnce(endpoint: Endpoint, { tally }: Surroundings): Promise<void> {
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => withoutTls(endpoint)));
  tally.connections += all.length;
  for (const one of all) {
    if (one.status === "fulfilled") one.value.close();
  }
}

/** The first bytes of a handshake, and no more; to others it is data. */
async function leaveInHandshake(endpoint: Endpoint, { tally }: Surroundings): Promise<void> {
  for (let i = 0; i < 5; i++) {
    tally.connections++;
    try {
      using conn = await withoutTls(endpoint);
      await conn.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, ...random(chance(0, 500))));
      await pause(chance(0, 50));
    } catch {
      // It may be refused, or find its connection gone.
    }
  }
}
