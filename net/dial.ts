import { failure } from "../async/pause.ts";
import { inTime, untilAnswered } from "./attempt.ts";
import type { StreamEndpoint } from "./endpoint.ts";
import type { Stream } from "./stream.ts";
import type { DialAttempt } from "./dial_options.ts";
import { type StreamTransport, TRANSPORTS } from "./transports.ts";

/** An open connection, and how long opening it took, in milliseconds. */
export interface Dialled {
  readonly conn: Stream;
  /** From the start, without the TLS handshake. */
  readonly connect: number;
  readonly handshake?: number;
}

/**
 * Opens a connection. `wait` is for another connection, over which a byte has to come back first:
 * a port forwarder accepts connections before the server behind it does.
 *
 * @throws {EndpointError} or the reason of the signal
 */
export async function dial(endpoint: StreamEndpoint, options: DialAttempt): Promise<Dialled> {
  if (options.wait) await waitForByte(endpoint, options);
  return await dialOnce(endpoint, options);
}

async function waitForByte(endpoint: StreamEndpoint, options: DialAttempt): Promise<void> {
  await untilAnswered(endpoint, options, async (signal, onSent) => {
    const { conn } = await dialOnce(endpoint, { ...options, timeout: 0, signal });
    onSent();
    try {
      await Promise.race([exchangeByte(conn), failure(signal)]);
    } finally {
      conn.close();
    }
  });
}

/** Sends a whole line, since some servers answer only lines. */
async function exchangeByte(conn: Stream): Promise<void> {
  await conn.write(new TextEncoder().encode("\n"));
  const length = await conn.read(new Uint8Array(1));
  if (length === null) throw new Error("the server ended the connection");
}

async function dialOnce(endpoint: StreamEndpoint, options: DialAttempt): Promise<Dialled> {
  const transport: StreamTransport<StreamEndpoint> = TRANSPORTS[endpoint.scheme];
  await transport.load?.();
  const start = performance.now();
  const time = () => performance.now() - start;
  return await inTime(endpoint, options.timeout, options.signal, async (either) => {
    let connect: number | undefined;
    const conn = await transport.dial(endpoint, options, either, () => connect = time());
    return connect === undefined
      ? { conn, connect: time() }
      : { conn, connect, handshake: time() - connect };
  });
}
