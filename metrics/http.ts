/**
 * A small HTTP server, with one request a connection (RFC 9112).
 *
 * In Deno 2.9, `Deno.serve` ends the program when descriptors run out, cannot end while a client
 * does not read, and logs the stack of a bad Host header.
 *
 * @module
 */
import { type Listener, type Stream, writeAll } from "../net/stream.ts";
import { acceptFrom } from "../server/accept.ts";
import { ConnectionLimit } from "../server/connection_limit.ts";
import type { Log } from "../server/log.ts";

const MAX_CONNECTIONS = 64;

/** The longest time of a connection, in milliseconds. */
const TIMEOUT = 5000;

/** The longest request, in bytes. */
const MAX_REQUEST = 16 * 1024;

/** The most bytes read after that. */
const MAX_REST = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  /** The methods that are allowed, with status 405. */
  readonly allow?: string;
}

export interface Request {
  readonly method: string;
  /** Undefined for a malformed request. */
  readonly path: string | undefined;
  /** The field Host; without it, empty. */
  readonly host: string;
  /** Whether it has the field Origin. */
  readonly hasOrigin: boolean;
  /** Undefined where its length is not known before. */
  readonly body: string | undefined;
}

type Handler = (request: Request) => Promise<Answer>;

/** Answers requests until the signal, which closes all connections. */
export async function serveHttp(
  listeners: readonly Listener[],
  answer: Handler,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const limit = new ConnectionLimit(MAX_CONNECTIONS, stopping);
  const open = new Set<Stream>();
  const connections = {
    isCrowded: false,
    catchUp: () => Promise.resolve(),
    async serve(conn: Stream) {
      if (stopping.aborted) return conn.close();
      const close = () => {
        if (open.delete(conn)) conn.close();
      };
      open.add(conn);
      const tooLong = setTimeout(close, TIMEOUT);
      // An error of a connection ends it and nothing else.
      await exchange(conn, answer).catch(() => {});
      clearTimeout(tooLong);
      close();
    },
  };
  stopping.addEventListener("abort", () => {
    for (const conn of open) conn.close();
    open.clear();
  }, { once: true });
  await Promise.all(
    listeners.map((listener) => acceptFrom(listener, connections, limit, log, stopping)),
  );
}

async function exchange(conn: Stream, answer: Handler): Promise<void> {
  const request = await readRequest(conn);
  if (request === undefined) return;
  const { status, body, type = "text/plain; charset=utf-8", allow } = await answerTo(
    request,
    answer,
  );
  const bytes = new TextEncoder().encode(body);
  const lines = [
    `HTTP/1.1 ${status} `,
    `content-type: ${type}`,
    `content-length: ${bytes.length}`,
    ...allow === undefined ? [] : [`allow: ${allow}`],
    "connection: close",
  ];
  await writeAll(conn, new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
  if (request.method !== "HEAD") await writeAll(conn, bytes);
  await conn.closeWrite();
  // Closing with unread input resets the connection, and the answer would be lost.
  const rest = new Uint8Array(4096);
  for (let read = 0; read < MAX_REST;) {
    const more = await conn.read(rest);
    if (more === null) return;
    read += more;
  }
}

async function answerTo(request: Request, answer: Handler): Promise<Answer> {
  if (request.path === undefined) return { status: 400, body: "bad request\n" };
  return await answer(request).catch(() => ({ status: 500, body: "failed\n" }));
}

/** Reads a request; undefined at EOF. One that is too long is malformed. */
async function readRequest(conn: Stream): Promise<Request | undefined> {
  const buffer = new Uint8Array(MAX_REQUEST);
  for (let filled = 0; filled < buffer.length;) {
    const more = await conn.read(buffer.subarray(filled));
    if (more === null) return undefined;
    filled += more;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, filled));
    const end = text.indexOf("\r\n\r\n") + 4;
    if (end < 4) continue;
    const { length, ...head } = parse(text.slice(0, end - 4));
    if (length === undefined) return { ...head, body: undefined };
    if (filled < end + length) continue;
    return { ...head, body: new TextDecoder().decode(buffer.subarray(end, end + length)) };
  }
  return { ...parse(""), body: "" };
}

function parse(head: string) {
  const [first = "", ...fields] = head.split("\r\n");
  const [, method = "", target = "", minor] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(first) ?? [];
  const valuesOf = (name: string) =>
    fields.flatMap((field) => RegExp(`^${name}:[ \t]*(.*?)[ \t]*$`, "i").exec(field)?.[1] ?? []);
  const hosts = valuesOf("host");
  const [host = ""] = hosts;
  const isHost = hosts.length === 1
    ? /^[\w.:[\]%-]*$/.test(host) && URL.canParse(`http://${host || "localhost"}/`)
    : hosts.length === 0 && minor === "0";
  const url = target.startsWith("/") ? URL.parse(`http://localhost${target}`) : URL.parse(target);
  const path = isHost ? url?.pathname : undefined;
  const isChunked = valuesOf("transfer-encoding").length > 0;
  const length = isChunked ? undefined : Number(valuesOf("content-length")[0] ?? 0);
  return { method, path, host, hasOrigin: valuesOf("origin").length > 0, length };
}
