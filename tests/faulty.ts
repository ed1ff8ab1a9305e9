/** Servers within the process of the tests that misbehave on purpose, and clients for them. */
import type { Input, Output } from "../client.ts";
import { dial } from "../net/dial.ts";
import type { Endpoint, StreamEndpoint } from "../net/endpoint.ts";
import type { Stream } from "../net/stream.ts";
import { type FaultOption, serve, type ServeOptions, type ServerCounts } from "../server.ts";
import { ca, cert, folder, key } from "./servers.ts";
import { collect, type LogLine } from "./local.ts";

/** The transports with connections. */
export const STREAMS = ["tcp", "tls", "unix"] as const;

/** A server with faults. */
export interface FaultyServer<E extends Endpoint = Endpoint> extends AsyncDisposable {
  endpoint: E;
  log: LogLine[];
  /** What the closing lines of its connections say of faults so far, in the order of the connections. */
  stories(): Record<string, unknown>[];
  /** What it has counted so far. */
  counts(): Promise<ServerCounts>;
  /** How often each fault was injected so far. */
  injections(): Promise<Record<string, number>>;
  /** Asks it to stop. */
  stop(): Promise<void>;
}

let sockets = 0;

/** Starts an echo server with faults. */
export async function startFaulty<Scheme extends Endpoint["scheme"]>(
  scheme: Scheme,
  faults: readonly FaultOption[],
  options: ServeOptions = {},
): Promise<FaultyServer<Endpoint & { scheme: Scheme }>> {
  const asked = scheme === "unix"
    ? { scheme, path: `${folder}/faulty-${++sockets}.sock` }
    : { scheme, host: "127.0.0.1", port: 0 };
  const log: LogLine[] = [];
  const server = await serve(asked as Endpoint, {
    tls: { cert, key },
    drain: 1,
    log: collect(log),
    faults,
    ...options,
  });
  const [endpoint] = server.endpoints;
  return {
    endpoint: endpoint as Endpoint & { scheme: Scheme },
    log,
    stories: () =>
      log.filter(({ message }) => message.startsWith("closed"))
        .map(({ fields }) => fields)
        .toSorted((a, b) => Number(a.connection) - Number(b.connection)),
    counts: () => server.counts(),
    injections: async () => (await server.counts()).faults,
    stop: () => server.stop(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Opens a connection, which is closed at the end of the block. */
export async function open({ endpoint }: { endpoint: Endpoint }): Promise<Stream & Disposable> {
  const { conn: stream } = await dial(endpoint as StreamEndpoint, { timeout: 10_000, tls: { ca } });
  let closed = false;
  const close = () => {
    if (!closed) stream.close();
    closed = true;
  };
  return {
    remoteAddr: stream.remoteAddr,
    read: (into) => stream.read(into),
    write: (bytes) => stream.write(bytes),
    closeWrite: () => stream.closeWrite(),
    close,
    [Symbol.dispose]: close,
  };
}

/** Reads once, and says what came: undefined at the end. */
export async function readOnce(stream: Pick<Stream, "read">): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(65536);
  const length = await stream.read(buffer);
  return length === null ? undefined : buffer.subarray(0, length);
}

/** Reads until the end, and returns all that came. */
export async function readAll(stream: Pick<Stream, "read">): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let part; (part = await readOnce(stream)) !== undefined;) parts.push(part);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** How long something took, in milliseconds. */
export async function timed(what: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await what();
  return performance.now() - start;
}

/** An input for `connect` that has some text. */
export function inputOf(text: string): Input {
  let rest = new TextEncoder().encode(text);
  return {
    read(into) {
      if (rest.length === 0) return Promise.resolve(null);
      const { length } = rest.subarray(0, into.length);
      into.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      return Promise.resolve(length);
    },
  };
}

/** An output for `connect` that keeps nothing. */
export const nowhere: Output = { write: (bytes) => Promise.resolve(bytes.length) };
