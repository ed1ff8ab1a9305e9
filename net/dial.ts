// Connecting to endpoints.
import { failure } from "../async/pause.ts";
import { errorCode, HandshakeEnded } from "../errors/reason.ts";
import { inTime, untilAnswered } from "./attempt.ts";
import type { DialAttempt } from "./dial_options.ts";
import type { StreamEndpoint } from "./endpoint.ts";
import type { Stream } from "./stream.ts";
import { type StreamTransport, TRANSPORTS } from "./transports.ts";

export { DIAL_OPTIONS, type DialAttempt, type DialOptions } from "./dial_options.ts";

/** A connection that was opened, and how long that took, in milliseconds. */
export interface Dialled {
  readonly conn: Stream;
  /** From the beginning of the attempt, without the handshake of TLS. */
  readonly connect: number;
  /** That handshake. */
  readonly handshake?: number;
}

/**
 * Opens a connection. With `wait`, a connection of its own waits until a byte has come back from
 * the server: what accepts may be a port forwarder, with nothing behind it yet.
 *
 * @throws {EndpointError} refused, unreachable, unknown host or timed out
 * @throws the reason of the signal
 */
export async function dial(endpoint: StreamEndpoint, options: DialAttempt): Promise<Dialled> {
  const { wait = 0 } = options;
  if (wait > 0) await waitForByte(endpoint, { ...options, wait });
  return await dialOnce(endpoint, options);
}

async function waitForByte(
  endpoint: StreamEndpoint,
  options: DialAttempt & { readonly wait: number },
): Promise<void> {
  let state: "connect" | "handshake" | "sent" = "connect";
  await untilAnswered(endpoint, options, async (signal, onSent) => {
    state = "connect";
    await inTime(endpoint, options.timeout, signal, async (given) => {
      const once = { ...options, timeout: 0, signal: given };
      const { conn } = await dialOnce(endpoint, once, () => state = "handshake");
      state = "sent";
      onSent();
      try {
        await Promise.race([exchangeByte(conn), failure(given)]);
      } finally {
        conn.close();
      }
    }, (time) => state === "sent" ? `nothing came back in ${time}` : undefined);
  }, ({ cause }) => state === "handshake" && isRefusal(cause));
}

/** Whether TLS said no: a certificate that is not trusted will not be trusted later either. */
function isRefusal(cause: unknown): boolean {
  if (!(cause instanceof Error) || cause instanceof HandshakeEnded) return false;
  return errorCode(cause) !== "ECONNRESET";
}

/** Sends a line, since some servers answer only those, and waits for a byte. */
async function exchangeByte(conn: Stream): Promise<void> {
  await conn.write(new TextEncoder().encode("\n"));
  const length = await conn.read(new Uint8Array(1));
  if (length === null) throw new Error("the server ended the connection");
}

async function dialOnce(
  endpoint: StreamEndpoint,
  options: DialAttempt,
  onHandshake?: () => void,
): Promise<Dialled> {
  const transport: StreamTransport<StreamEndpoint> = TRANSPORTS[endpoint.scheme];
  const start = performance.now();
  const time = () => performance.now() - start;
  return await inTime(endpoint, options.timeout, options.signal, async (given) => {
    let connect: number | undefined;
    const conn = await transport.dial(endpoint, options, given, () => {
      connect = time();
      onHandshake?.();
    });
    return connect === undefined
      ? { conn, connect: time() }
      : { conn, connect, handshake: time() - connect };
  });
}
