import { isWithin, onAbort } from "../async/pause.ts";
import { sweep, Traffic } from "../net/traffic.ts";
import { dial } from "../net/dial.ts";
import { DIAL_OPTIONS } from "../net/dial_options.ts";
import { addressOf, type Endpoint } from "../net/endpoint.ts";
import { readEndpoint } from "../net/parse_endpoint.ts";
import { OptionError } from "../errors/yodel_error.ts";
import { reason } from "../errors/reason.ts";
import { ReadScheduler } from "../net/read_scheduler.ts";
import type { Stream } from "../net/stream.ts";
import { checkUdp } from "../net/udp.ts";
import { connectDatagrams } from "./connect_datagrams.ts";
import { EchoError, readFrom, writeTo } from "./streams.ts";
import type { ConnectOptions, ConnectSettings, Exchange } from "./streams.ts";
import { checkNames, checkNumbers, withDefaults } from "../values/settings.ts";
import { tlsHint } from "./verify/diagnosis.ts";
import { StreamVerifier } from "./verify/echo.ts";
import { hasConnections, TRANSPORTS } from "../net/transports.ts";

export const CONNECT_DEFAULTS: Readonly<Required<ConnectSettings>> = {
  timeout: 10_000,
  idleTimeout: 0,
  verify: false,
};

/** The default timeout of `udp://`. */
const DATAGRAM_TIMEOUT = 1000;

/** How much is read from the input or the connection at once, in bytes. */
const CHUNK = 256 * 1024;

/** How many bytes may be under way with `verify`, which keeps them in memory. */
const MAX_UNDER_WAY = 256 * 1024 * 1024;

/** How much later than the connection the input may end, in milliseconds, if both end at once. */
const SIMULTANEOUS = 100;

/**
 * Sends the input to an endpoint and writes what comes back to the output, both at once. At the
 * end of the input it half-closes the connection and receives what is left. When it has to end
 * before the input, a read of the input may be left pending.
 *
 * @throws {OptionError} for invalid options
 * @throws {EndpointError} if it cannot connect
 * @throws {EchoError} if the connection breaks, ends before the input does, is idle for too long,
 *   or brings back less than was sent; with `verify`, anything else than was sent
 * @throws {StreamError} if the input or the output fails
 * @throws the reason of the signal
 */
export async function connect(
  server: Endpoint | string,
  options: ConnectOptions,
): Promise<Exchange> {
  const endpoint = readEndpoint(server, 1);
  const others = ["input", "output", "onConnect", "signal"];
  checkNames(options, Object.keys(CONNECT_DEFAULTS), DIAL_OPTIONS, others);
  checkUdp(endpoint);
  const timeoutDefault = hasConnections(endpoint) ? CONNECT_DEFAULTS.timeout : DATAGRAM_TIMEOUT;
  const defaults = { ...CONNECT_DEFAULTS, timeout: timeoutDefault };
  const settings = { ...options, ...withDefaults(options, defaults) };
  const { timeout, idleTimeout, onConnect } = settings;
  checkNumbers("number", 0, { timeout, idleTimeout });
  if (!hasConnections(endpoint)) {
    if (idleTimeout === 0) return await connectDatagrams(endpoint, settings);
    throw new OptionError("idleTimeout", "udp:// has no connections");
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

async function exchange(
  endpoint: Endpoint,
  conn: Stream,
  { input, output, signal, idleTimeout, verify }: ConnectOptions & Required<ConnectSettings>,
): Promise<Exchange> {
  const traffic = new Traffic();
  const verifier = verify ? new StreamVerifier() : undefined;
  let isWriting = false;
  let hint = "";

  const sofar = () => `, after ${traffic.sent} bytes were sent and ${traffic.received} came back`;

  /** Returns whether the connection accepted all of the input. */
  async function send(): Promise<boolean> {
    const chunk = new Uint8Array(CHUNK);
    for (;;) {
      const length = await readFrom(input, chunk);
      if (length === null) break;
      const bytes = verifier === undefined ? chunk.subarray(0, length) : chunk.slice(0, length);
      verifier?.send(bytes);
      if ((verifier?.missing ?? 0) > MAX_UNDER_WAY) {
        const limit = "--verify keeps at most 256 MiB in memory";
        throw new EchoError(endpoint, `${verifier?.missing} bytes have not come back; ${limit}`);
      }
      try {
        for (let written = 0; written < length;) {
          const more = await conn.write(bytes.subarray(written));
          written += more;
          traffic.sent += more;
        }
      } catch {
        return false; // receive() reads what the server still sends.
      }
    }
    return await conn.closeWrite().then(() => true, () => false);
  }

  async function receive(): Promise<void> {
    const chunk = new Uint8Array(CHUNK);
    for (;;) {
      const length = await conn.read(chunk).catch((error) => {
        throw new EchoError(endpoint, reason(error) + sofar());
      });
      if (length === null) return;
      const bytes = chunk.subarray(0, length);
      const difference = verifier?.receive(bytes);
      if (traffic.received === 0) hint = tlsHint(bytes);
      traffic.received += length;
      isWriting = true;
      const writing = writeTo(output, bytes);
      // A wrong echo counts more than an output that was closed.
      await (difference === undefined ? writing : writing.catch(() => {}));
      isWriting = false;
      if (difference !== undefined) throw new EchoError(endpoint, difference);
    }
  }

  function checkEnd(isComplete: boolean): void {
    const { sent, received } = traffic;
    // A TLS 1.3 server refuses a client certificate after the client's handshake is done.
    if (TRANSPORTS[endpoint.scheme].hasTls && sent > 0 && received === 0) {
      const why = "it may require a client certificate, or another one";
      throw new EchoError(endpoint, `the server ended the connection without an answer; ${why}`);
    }
    // An alert of TLS may be longer than what was sent.
    if (!isComplete || hint !== "" && received !== sent) {
      const what = `the server ended the connection before the end of the input${sofar()}`;
      throw new EchoError(endpoint, what + hint);
    }
    if (received < sent) {
      throw new EchoError(endpoint, `only ${received} of ${sent} bytes came back`);
    }
  }

  const { promise: cutOff, reject: cut } = Promise.withResolvers<never>();
  using _aborting = onAbort(signal, () => cut(signal?.reason));
  const over = new AbortController();
  const checking = idleTimeout > 0 &&
    sweep(idleTimeout, new ReadScheduler(), over.signal, (interval) => {
      // A slow output is not the server's fault.
      if (isWriting || traffic.idleTime(interval) < idleTimeout) return;
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
