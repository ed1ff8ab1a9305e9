/** Servers within the process of the tests, which echo or do something else on purpose. */
import { createSocket } from "node:dgram";
import { type AddressInfo, createServer } from "node:net";
import { makeIdentity } from "../net/certificate.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint, type ServeOptions } from "../server.ts";
import {
  type CustomServer,
  dialPort,
  freePort,
  type LocalServer,
  portOf,
  readBytes,
  startCustom,
  startLocal,
  writeAll,
} from "./local.ts";

/** An authority, and a certificate that it signed. */
export const { ca, cert, key } = await makeIdentity(["127.0.0.1", "localhost"]);

/** A folder for sockets and certificates; it goes with the test run. */
export const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** The files that these are in. */
export const [caFile, certFile, keyFile] = await Promise.all([
  write("ca.pem", ca),
  write("cert.pem", cert),
  write("key.pem", key),
]);

/** Writes a text to a file of the folder, and returns its path. */
export async function write(name: string, text: string): Promise<string> {
  const path = `${folder}/${name}`;
  await Deno.writeTextFile(path, text);
  return path;
}

let sockets = 0;

/** Starts an echo server; `words` are its endpoint and the flags that a client needs. */
export async function startEcho(
  scheme: Endpoint["scheme"] = "tcp",
  options: ServeOptions = {},
): Promise<LocalServer & { words: string[] }> {
  const asked: Endpoint = scheme === "unix"
    ? { scheme, path: `${folder}/${++sockets}.sock` }
    : { scheme, host: "127.0.0.1", port: 0 };
  const server = await startLocal({ tls: { cert, key }, ...options }, asked);
  const trust = scheme === "tls" ? ["--ca", caFile] : [];
  return { ...server, words: [formatEndpoint(server.endpoint), ...trust] };
}

/** What a server sends for a message; `number` counts the messages it got, from 1 on. */
export type Answer = (message: Uint8Array, number: number) => Answers | Promise<Answers>;
export type Answers = readonly (Uint8Array | "end")[];

/** Starts a server that answers messages as `answer` says; `got` counts what it got so far. */
export function startAnswering(
  size: number,
  answer: Answer,
  port = 0,
): CustomServer & { got: { connections: number; messages: number } } {
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
 * Starts a server that passes connections on to another one once `admit` resolves, or closes them
 * where it says false. They are counted from 1 on.
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
      await to.closeWrite();
    };
    await Promise.all([copy(conn, onward), copy(onward, conn)]);
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

/** Starts an echo server that resets a connection when it gets data for the `number`th time. */
export async function startResetting(
  number: number,
): Promise<CustomServer & { endpoint: HostEndpoint }> {
  let reads = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on(
      "data",
      (bytes) => ++reads === number ? socket.resetAndDestroy() : socket.write(bytes),
    );
  });
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: { scheme: "tcp", host: "127.0.0.1", port },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** An endpoint at which nothing listens. */
export function deserted(): HostEndpoint {
  return { scheme: "tcp", host: "127.0.0.1", port: freePort() };
}
