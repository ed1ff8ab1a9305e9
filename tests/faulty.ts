/** Servers within the process of the tests that misbehave on purpose, and clients for them. */
import type { Input, Output } from "../client.ts";
import { dial } from "../net/dial.ts";
import type { Endpoint, StreamEndpoint } from "../net/endpoint.ts";
import type { Stream } from "../net/stream.ts";
import type { ServeOptions } from "../server.ts";
import type { LocalServer } from "./local.ts";
import { ca, startEcho } from "./servers.ts";

/** The transports with connections. */
export const STREAMS = ["tcp", "tls", "unix"] as const;

/** Starts an echo server with faults in this process. */
export function startFaulty(
  scheme: Endpoint["scheme"],
  faults: readonly string[],
  options: ServeOptions = {},
): Promise<LocalServer> {
  return startEcho(scheme, { faults, ...options });
}

/** Opens a connection, which is closed at the end of the block if it is still open. */
export async function open(
  { endpoint }: { endpoint: Endpoint },
  timeout = 10_000,
): Promise<Stream & Disposable> {
  const { conn } = await dial(endpoint as StreamEndpoint, { timeout, tls: { ca } });
  const close = conn.close.bind(conn);
  let isOpen = true;
  const closeOnce = () => {
    if (isOpen) close();
    isOpen = false;
  };
  return Object.assign(conn, { close: closeOnce, [Symbol.dispose]: closeOnce });
}

/** Reads once; returns undefined at the end. */
export async function readOnce(stream: Pick<Stream, "read">): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(65536);
  const length = await stream.read(buffer);
  return length === null ? undefined : buffer.subarray(0, length);
}

/** An input for `connect`, which ends after its bytes unless it is to stay open. */
export function inputOf(text: string | Uint8Array, ends = true): Input {
  let rest = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return {
    read(into) {
      if (rest.length === 0) return ends ? Promise.resolve(null) : new Promise(() => {});
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return Promise.resolve(part.length);
    },
  };
}

/** An output for `connect` that keeps nothing. */
export const nowhere: Output = { write: (bytes) => Promise.resolve(bytes.length) };
