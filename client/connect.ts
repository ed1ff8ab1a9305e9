// The client that takes an input to a server and what returns to an output.
import { isWithin, onAbort } from "../async/pause.ts";
import { sweep, Traffic } from "../net/traffic.ts";
import { dial, DIAL_OPTIONS, type DialOptions } from "../net/dial.ts";
import { addressOf, type Endpoint } from "../net/endpoint.ts";
import { readEndpoint } from "../net/parse_endpoint.ts";
import { OptionError } from "../errors/yodel_error.ts";
import { reason } from "../errors/reason.ts";
import { ReadTurns } from "../net/read_turns.ts";
import type { Stream, TlsSession } from "../net/stream.ts";
import { checkUdp } from "../net/udp_socket.ts";
import { connectDatagrams } from "./connect_datagrams.ts";
import { type Exchange, type Input, type Output, readFrom, writeAll } from "./streams.ts";
import { EchoError } from "./echo_error.ts";
import { checkNotNegative } from "./options.ts";
import { checkNames, withDefaults } from "../values/settings.ts";
import { tlsHint } from "./verify/difference.ts";
import { StreamVerifier } from "./verify/stream.ts";
import { hasConnections, TRANSPORTS } from "../net/transports.ts";

/** Settings of {@linkcode connect} that have defaults. */
export interface ConnectSettings {
  /**
   * How long to try to connect, in milliseconds; 0: as long as the system does.
   * Default: 10,000. For `udp://`, how long to wait for an answer; default: 1,000.
   */
  timeout?: number;
  /** Gives up when no byte passed for this long, in milliseconds; 0: never. Default: 0. */
  idleTimeout?: number;
  /** Compares what comes back with what was sent, not only how much it is. Default: false. */
  verify?: boolean;
}

/** A connection that is open. */
export interface Connected {
  /** How long it took to connect, with the handshake of TLS, in milliseconds; 0 for `udp://`. */
  readonly time: number;
  /** The server's address, `127.0.0.1:2222`. A Unix socket has none, nor a UDP name with several. */
  readonly address?: string;
  /** What the handshake of TLS agreed on. */
  readonly session?: TlsSession;
}

/** What is given to {@linkcode connect}. */
export interface ConnectOptions extends ConnectSettings, DialOptions {
  /** What to send. */
  input: Input;
  /** Where what comes back goes. */
  output: Output;
  /** Called once the connection is open. */
  onConnect?: (connected: Connected) => void;
  /** Ends the connection. */
  signal?: AbortSignal;
}

/** What stands for settings that are not given; `datagramTimeout` is the timeout of `udp://`. */
export const CONNECT_DEFAULTS: Readonly<Required<ConnectSettings> & { datagramTimeout: number }> = {
  timeout: 10_000,
  datagramTimeout: 1000,
  idleTimeout: 0,
  verify: false,
};

const STREAM_OPTIONS = ["input", "output", "onConnect", "signal"];

/** How much is read from the input or the connection at once, in bytes. */
const CHUNK = 256 * 1024;

/**
 * How much may be sent and not have returned while it is verified, in bytes.
 * It has to be remembered, and a server that only takes would fill the memory.
 */
const MAX_UNDER_WAY = 256 * 1024 * 1024;

/**
 * How long the end of the input may come after the server's end of the
 * connection and still count as before it, in milliseconds: where both end at
 * once, either can be seen first.
 */
const SIMULTANEOUS = 100;

/** After so many seconds without a byte the server may have ended the connection for that. */
const LONG_QUIET = 3;

/**
 * Sends the input to an endpoint and writes what comes back to the output,
 * both at once. At the end of the input it sends no more and takes what still
 * comes. When it has to end before the input, a read of the input may be left
 * pending.
 *
 * @throws {OptionError} for options that make no sense, or not together
 * @throws {EndpointError} where it cannot connect
 * @throws {EchoError} where the connection breaks, ends before the input does,
 *   is idle for too long, or brings back less than was sent; with `verify`,
 *   anything else than was sent
 * @throws {StreamError} where the input or the output fails
 * @throws the reason of the signal
 */
export async function connect(
  server: Endpoint | string,
  options: ConnectOptions,
): Promise<Exchange> {
  const endpoint = readEndpoint(server, 1);
  checkNames(options, Object.keys(CONNECT_DEFAULTS), DIAL_OPTIONS, STREAM_OPTIONS);
  checkUdp(endpoint);
  const { datagramTimeout, ...defaults } = CONNECT_DEFAULTS;
  const filled = withDefaults(options, {
    ...defaults,
    timeout: hasConnections(endpoint) ? defaults.timeout : datagramTimeout,
  });
  const settings = { ...options, ...filled };
  const { timeout, idleTimeout, onConnect } = settings;
  checkNotNegative({ timeout, idleTimeout });
  if (!hasConnections(endpoint)) {
    if (idleTimeout === 0) return await connectDatagrams(endpoint, settings);
    throw new OptionError("idleTimeout", "udp:// has no connection that could be idle");
  }
  const { conn, connect, handshake = 0 } = await dial(endpoint, settings);
  try {
    const { remoteAddr, session } = conn;
    onConnect?.({ time: connect + handshake, address: addressOf(remoteAddr), session });
    return await exchange(endpoint, conn, settings);
  } finally {
    conn.close();
  }
}

/** Sends and receives over a connection that is open. */
async function exchange(
  endpoint: Endpoint,
  conn: Stream,
  { input, output, signal, idleTimeout, verify }: ConnectOptions & Required<ConnectSettings>,
): Promise<Exchange> {
  const traffic = new Traffic();
  const verifier = verify ? new StreamVerifier() : undefined;
  /** When a byte passed last, by `performance.now()`. */
  let lastByte = performance.now();
  /** Whether what came back waits for the output to take it. */
  let delivering = false;
  /** What the first bytes that came back say of the server, if anything. */
  let hint = "";

  const sofar = () => `, after ${traffic.sent} bytes were sent and ${traffic.received} came back`;

  /** Sends all of the input and half-closes; returns whether the connection took it all. */
  async function send(): Promise<boolean> {
    const chunk = new Uint8Array(CHUNK);
    for (;;) {
      const length = await readFrom(input, chunk);
      if (length === null) break;
      const bytes = verifier === undefined ? chunk.subarray(0, length) : chunk.slice(0, length);
      verifier?.send(bytes);
      if (verifier !== undefined && verifier.missing > MAX_UNDER_WAY) {
        const what = `${verifier.missing} bytes were sent and are not back`;
        throw new EchoError(endpoint, `${what}, more than can be remembered`);
      }
      try {
        for (let written = 0; written < length;) {
          const more = await conn.write(bytes.subarray(written));
          written += more;
          traffic.sent += more;
          lastByte = performance.now();
        }
      } catch {
        return false; // The server takes no more; what it still sends is received all the same.
      }
    }
    return await conn.closeWrite().then(() => true, () => false);
  }

  /** Writes what comes back to the output, until the server ends the connection. */
  async function receive(): Promise<void> {
    const chunk = new Uint8Array(CHUNK);
    for (;;) {
      const length = await conn.read(chunk).catch((error) => {
        throw new EchoError(endpoint, reason(error) + sofar());
      });
      if (length === null) return;
      const bytes = chunk.subarray(0, length);
      const difference = verifier?.receive(bytes);
      // What looks like a TLS alert may have been sent.
      const isRight = verifier !== undefined && difference === undefined;
      if (traffic.received === 0 && !isRight) hint = tlsHint(bytes);
      traffic.received += length;
      lastByte = performance.now();
      delivering = true;
      await writeAll(output, bytes);
      delivering = false;
      if (difference !== undefined) throw new EchoError(endpoint, difference + hint);
    }
  }

  /** Decides, when the server has ended the connection, whether that was the end of everything. */
  function checkEnd(complete: boolean): void {
    const { sent, received } = traffic;
    // A TLS server refuses a client after the client's handshake is done, and then
    // says nothing at all.
    if (TRANSPORTS[endpoint.scheme].hasTls && sent > 0 && received === 0) {
      const why = "it may want a client certificate, or another one";
      throw new EchoError(endpoint, `ended by the server without an answer: ${why}`);
    }
    if (!complete || (hint !== "" && received !== sent)) {
      const quiet = Math.round((performance.now() - lastByte) / 1000);
      const idle = quiet >= LONG_QUIET
        ? `; ${quiet}s without a byte: was that its idle time, or is it stopping?`
        : "";
      const what = `the server ended it before the end of input${sofar()}`;
      throw new EchoError(endpoint, what + idle + hint);
    }
    if (received < sent) {
      throw new EchoError(endpoint, `only ${received} of ${sent} bytes came back`);
    }
  }

  const { promise: cutOff, reject: cut } = Promise.withResolvers<never>();
  using _aborting = onAbort(signal, () => cut(signal?.reason));
  const over = new AbortController();
  const checking = idleTimeout > 0 &&
    sweep(idleTimeout, new ReadTurns(), over.signal, (interval) => {
      // As long as the output takes its time, the server is not to blame.
      if (delivering || traffic.idleTime(interval) < idleTimeout) return;
      cut(new EchoError(endpoint, `idle for ${idleTimeout / 1000}s${sofar()}`));
    });
  try {
    const sending = send();
    const failedSending = sending.then(() => cutOff);
    await Promise.race([receive(), failedSending, cutOff]);
    checkEnd(await isWithin(SIMULTANEOUS, sending) && await sending);
    return { sent: traffic.sent, received: traffic.received };
  } finally {
    over.abort();
    await checking;
  }
}
