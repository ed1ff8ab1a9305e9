/** Servers and clients within the process of the tests, on loopback and free ports. */
import { writeAll } from "../net/stream.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { type Log, type LogFields, serve, type ServeOptions, type Server } from "../server.ts";
import { until } from "./machine.ts";

export { writeAll };

/** An echo server in this process. */
export interface LocalServer extends Server {
  /** The first endpoint. */
  endpoint: Endpoint;
  port: number;
  /** What it logged so far. */
  log: LogLine[];
  /** The lines of the log with a message. */
  logged(message: string): LogLine[];
  /** What the log says of the first connection that was closed, once there is one. */
  story(): Promise<LogFields>;
}

/** A line of the log. */
export interface LogLine {
  level: string;
  message: string;
  fields: LogFields;
}

/**
 * A port of 127.0.0.1 at which nothing listens. It is below those that systems choose for port 0,
 * from 32,768 on or later: it stays free until a program names it.
 */
export function freePort(): number {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return port;
  } catch {
    return freePort();
  }
}

/** Starts an echo server, which does not wait for its connections at the end. */
export async function startLocal(
  options: ServeOptions = {},
  endpoints: Parameters<typeof serve>[0] = "127.0.0.1:0",
): Promise<LocalServer> {
  const log: LogLine[] = [];
  const server = await serve(endpoints, { drain: 1, log: collect(log), ...options });
  const [endpoint] = server.endpoints;
  if (endpoint === undefined) throw new Error("the server listens nowhere");
  const closed = () => log.find(({ message }) => message.startsWith("closed"));
  return {
    ...server,
    endpoint,
    port: endpoint.scheme === "unix" ? 0 : endpoint.port,
    log,
    logged: (message) => log.filter((line) => line.message === message),
    async story() {
      await until(() => closed() !== undefined, "a connection is closed");
      return closed()?.fields ?? {};
    },
  };
}

/** A log that puts its lines into a list. */
export function collect(lines: LogLine[]): Log {
  const add = (level: string) => (message: string, fields: LogFields = {}) =>
    void lines.push({ level, message, fields });
  return { debug: add("debug"), info: add("info"), warn: add("warn"), error: add("error") };
}

/** A server that is not yodel's; for tests of the clients. */
export interface CustomServer extends AsyncDisposable {
  endpoint: Endpoint;
}

/** Starts a server whose connections are handled by `handle` and then closed. */
export function startCustom(handle: (conn: Deno.TcpConn) => Promise<void>, port = 0): CustomServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const open = new Set<Deno.TcpConn>();
  const tasks: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      open.add(conn);
      const task = handle(conn).catch(() => {}).finally(() => {
        if (open.delete(conn)) conn.close();
      });
      tasks.push(task);
    }
  })();
  return {
    endpoint: { scheme: "tcp", host: "127.0.0.1", port: listener.addr.port },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) conn.close();
      open.clear();
      await accepting;
      await Promise.all(tasks);
    },
  };
}

/** The port of an endpoint that has one. */
export function portOf(endpoint: Endpoint | undefined): number {
  if (endpoint === undefined || endpoint.scheme === "unix") throw new Error("it has no port");
  return endpoint.port;
}

/** Opens a connection to a port of 127.0.0.1. */
export async function dialPort(port: number): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}

/** Reads until `length` bytes have come or there are no more. */
export async function readBytes(
  conn: Pick<Deno.Conn, "read">,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const more = await conn.read(bytes.subarray(filled));
    if (more === null) break;
    filled += more;
  }
  return bytes.subarray(0, filled);
}

/** Sends `bytes` and returns as many bytes of the answer. */
export async function exchange(
  conn: Pick<Deno.Conn, "read" | "write">,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const [returned] = await Promise.all([readBytes(conn, bytes.length), writeAll(conn, bytes)]);
  return returned;
}

/**
 * Sends to an echo server without end, and reads nothing, so that the connection is not finished.
 * Resolves once the server has it; `broken` resolves when the connection is.
 */
export async function flood(conn: Deno.Conn): Promise<{ broken: Promise<void> }> {
  await exchange(conn, random(10));
  let taken = 0;
  const broken = (async () => {
    for (;;) taken += await conn.write(new Uint8Array(1_000_000));
  })().catch(() => {});
  await until(() => taken > 0, "the connection has something to finish");
  return { broken };
}

/** Random bytes. */
export function random(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // The system gives at most this much at once.
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  }
  return bytes;
}
