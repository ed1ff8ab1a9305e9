// connect() over UDP (RFC 862).
import { Change, isWithin, onAbort } from "../async/pause.ts";
import { dialUdp, MAX_DATAGRAM } from "../net/udp.ts";
import { EndpointError, type HostEndpoint } from "../net/endpoint.ts";
import { EchoError, readFrom, StreamError, writeTo } from "./streams.ts";
import type { ConnectOptions, ConnectSettings, Exchange, Input } from "./streams.ts";
import { DatagramVerifier } from "./verify/echo.ts";

/** Datagrams under way: more would overrun the buffers of the sockets. */
const MAX_UNDER_WAY = 16;

/** Sends each line of the input as a datagram. */
export async function connectDatagrams(
  endpoint: HostEndpoint<"udp">,
  options: ConnectOptions & Required<ConnectSettings>,
): Promise<Exchange> {
  const { input, output, timeout, verify, onConnect, signal } = options;
  const verifier = new DatagramVerifier();
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  let written = Promise.resolve();
  const arrived = new Change();
  const link = await dialUdp(
    endpoint,
    (bytes) => {
      verifier.receive(bytes);
      // The socket reads the next one into the same place.
      const copy = bytes.slice();
      written = written.then(() => writeTo(output, copy));
      written.catch(fail);
      arrived.announce();
    },
    fail,
    options,
  );
  using _aborting = onAbort(signal, () => fail(signal?.reason));

  /** Returns false if nothing came within the timeout. */
  async function untilUnderWay(count: number): Promise<boolean> {
    while (verifier.missing > count) {
      if (timeout === 0) await arrived.next;
      else if (!await isWithin(timeout, arrived.next)) return false;
    }
    return true;
  }

  async function sendAll(): Promise<void> {
    let givenUp = 0;
    for await (const bytes of linesOf(input)) {
      if (bytes.length > MAX_DATAGRAM) {
        const limit = `a datagram holds at most ${MAX_DATAGRAM} bytes, and a line is longer`;
        throw new StreamError("send the input", limit);
      }
      verifier.send(bytes);
      await link.send(bytes);
      await written;
      if (await untilUnderWay(givenUp + MAX_UNDER_WAY)) continue;
      if (verifier.received === 0) return;
      givenUp = verifier.missing;
    }
    await untilUnderWay(0);
    await written;
  }

  try {
    onConnect?.({ time: 0, address: link.address });
    await Promise.race([sendAll(), failed]);
    if (verifier.sent > 0 && verifier.received === 0) {
      const why = `nothing came back in ${timeout / 1000}s`;
      throw new EndpointError("no answer from", endpoint, why);
    }
    const errors = Object.entries(verifier.errors)
      .filter(([error, count]) => count > 0 && (verify || error === "lost"));
    if (errors.length > 0) {
      const counts = errors.map(([error, count]) => `${count} ${error}`).join(", ");
      throw new EchoError(endpoint, `of ${verifier.sent} datagrams ${counts}`);
    }
    return verifier.bytes;
  } finally {
    link.close();
  }
}

/** The lines of the input, with their ends. */
async function* linesOf(input: Input): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  const chunk = new Uint8Array(65536);
  for (;;) {
    const length = await readFrom(input, chunk);
    if (length === null) break;
    const bytes = new Uint8Array(rest.length + length);
    bytes.set(rest);
    bytes.set(chunk.subarray(0, length), rest.length);
    let from = 0;
    for (let to; (to = bytes.indexOf(0x0a, from) + 1) > 0; from = to) yield bytes.slice(from, to);
    rest = bytes.slice(from);
    // sendAll() rejects it, and its end may never come.
    if (rest.length > MAX_DATAGRAM) break;
  }
  if (rest.length > 0) yield rest;
}
