/** Servers within the process of the tests, which echo or do something else on purpose. */
import { createSocket } from "node:dgram";
import { makeIdentity } from "../net/certificate.ts";
import { type Endpoint, formatEndpoint, serve } from "../server.ts";
import {
  type CustomServer,
  dialPort,
  freePort,
  portOf,
  readBytes,
  startCustom,
  writeAll,
} from "./local.ts";

/** An authority, and a certificate that it signed for 127.0.0.1. */
export const { ca, cert, key } = await makeIdentity(["127.0.0.1"]);

/** A folder for sockets and certificates; it goes with the test run. */
export const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** The file that the authority is in. */
export const caFile = `${folder}/ca.pem`;
await Deno.writeTextFile(caFile, ca);

/** An echo server. */
export interface EchoServer extends AsyncDisposable {
  endpoint: Endpoint;
  /** The endpoint as it is written on the command line, and the flags that it needs. */
  words: string[];
  /** When connections were opened, by `performance.now()`. */
  opened: number[];
}

let sockets = 0;

/** Starts an echo server in this process. */
export async function startEcho(scheme: Endpoint["scheme"] = "tcp"): Promise<EchoServer> {
  const asked: Endpoint = scheme === "unix"
    ? { scheme, path: `${folder}/${++sockets}.sock` }
    : { scheme, host: "127.0.0.1", port: 0 };
  const stop = new AbortController();
  const opened: number[] = [];
  const server = await serve([asked], {
    tls: { cert, key },
    drain: 1,
    log: { debug: (message) => void (message === "opened" && opened.push(performance.now())) },
    signal: stop.signal,
  });
  const [endpoint = asked] = server.endpoints;
  return {
    endpoint,
    words: [formatEndpoint(endpoint), ...scheme === "tls" ? ["--ca", caFile] : []],
    opened,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

/** What a server sends for a message; `number` counts the messages it got, from 1 on. */
export type Answer = (message: Uint8Array, number: number) => Answers | Promise<Answers>;
export type Answers = readonly (Uint8Array | "end")[];

/** A server that answers as it was told. */
export interface AnsweringServer extends CustomServer {
  /** How much it got so far. */
  got: { connections: number; messages: number };
}

/** Starts a server that answers messages as `answer` says. */
export function startAnswering(size: number, answer: Answer, port = 0): AnsweringServer {
  const got = { connections: 0, messages: 0 };
  const server = startCustom(async (conn) => {
    got.connections++;
    conn.setNoDelay(true);
    for (;;) {
      const message = await readBytes(conn, size);
      if (message.length < size) return;
      for (const part of await answer(message, ++got.messages)) {
        if (part !== "end") await writeAll(conn, part);
        else return await end(conn);
      }
    }
  }, port);
  let closed: PromiseLike<void> | undefined;
  return { ...server, got, [Symbol.asyncDispose]: () => closed ??= server[Symbol.asyncDispose]() };
}

/**
 * Starts a server that passes connections on to another one, each once `admit` lets it, and closes
 * those of which that says false. They are counted from 1 on.
 */
export function startRelay(
  { endpoint: to }: { endpoint: Endpoint },
  admit: (number: number) => boolean | Promise<boolean>,
): CustomServer {
  let number = 0;
  const relay = startCustom(async (conn) => {
    if (!await admit(++number)) return;
    using onward = await dialPort(portOf(to));
    const copy = async (from: Deno.Conn, to: Deno.Conn) => {
      const bytes = new Uint8Array(10_000);
      for (let n; (n = await from.read(bytes)) !== null;) await writeAll(to, bytes.subarray(0, n));
    };
    await Promise.race([copy(conn, onward), copy(onward, conn)]);
  });
  const endpoint = { ...to, port: portOf(relay.endpoint) } as Endpoint;
  return { ...relay, endpoint };
}

/** Ends a connection without a reset, to which closing leads as long as something is unread. */
export async function end(conn: Deno.TcpConn): Promise<void> {
  await conn.closeWrite();
  await readBytes(conn, 1_000_000);
}

/** Starts such a server for datagrams. */
export async function startDatagrams(
  answer: (message: Uint8Array, number: number) => readonly Uint8Array[],
): Promise<CustomServer> {
  const socket = createSocket("udp4");
  let number = 0;
  let sent = Promise.resolve();
  socket.on("message", (bytes: Uint8Array, { port, address }) => {
    for (const part of answer(Uint8Array.from(bytes), ++number)) {
      // Two that are sent at once may overtake each other.
      sent = sent.then(() =>
        new Promise((resolve) => socket.send(part, port, address, () => resolve()))
      );
    }
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  return {
    endpoint: { scheme: "udp", host: "127.0.0.1", port: socket.address().port },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void socket.close(() => resolve())),
  };
}

/** An endpoint at which nobody listens. */
export function deserted(): Endpoint {
  return { scheme: "tcp", host: "127.0.0.1", port: freePort() };
}
