/**
 * A small HTTP server, with one request a connection (RFC 9112).
 *
 * In Deno 2.9, `Deno.serve` ends the program when descriptors run out, cannot end while a client
 * does not read, and logs the stack of a bad Host header.
 *
 * @module
 */
import type { Listener, Stream } from "../net/stream.ts";
import { acceptFrom } from "../server/accept.ts";
import { ConnectionLimit } from "../server/connection_limit.ts";
import type { Log } from "../server/log.ts";

const MAX_CONNECTIONS = 64;

/** The longest time of a connection, in milliseconds. */
const TIMEOUT = 5000;

/** The longest head of a request, in bytes. */
const MAX_REQUEST = 8 * 1024;

/** The most bytes read after that. */
const MAX_BODY = 64 * 1024;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

/** Answers the path of a request. */
type Handler = (path: string) => Answer | Promise<Answer>;

/** Answers GET and HEAD until the signal, which closes the listeners and all connections. */
export async function serveHttp(
  listeners: readonly Listener[],
  answer: Handler,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  const limit = new ConnectionLimit(MAX_CONNECTIONS, stopping);
  const open = new Set<Stream>();
  const connections = {
    catchUp: () => Promise.resolve(),
    async serve(conn: Stream) {
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
    for (const listener of listeners) listener.close();
    for (const conn of open) conn.close();
    open.clear();
  }, { once: true });
  await Promise.all(
    listeners.map((listener) => acceptFrom(listener, connections, limit, log, stopping)),
  );
}

async function exchange(conn: Stream, answer: Handler): Promise<void> {
  const head = await readHead(conn);
  if (head === undefined) return;
  const { method, path } = parse(head);
  const { status, body, type = "text/plain; charset=utf-8" } = await answerTo(method, path, answer);
  const bytes = new TextEncoder().encode(body);
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    `content-type: ${type}`,
    `content-length: ${bytes.length}`,
    ...status === 405 ? ["allow: GET, HEAD"] : [],
    "connection: close",
  ];
  await writeAll(conn, new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
  if (method !== "HEAD") await writeAll(conn, bytes);
  await conn.closeWrite();
  // Closing with unread input resets the connection, and the answer would be lost.
  const rest = new Uint8Array(4096);
  for (let read = 0; read < MAX_BODY;) {
    const more = await conn.read(rest);
    if (more === null) return;
    read += more;
  }
}

async function answerTo(
  method: string,
  path: string | undefined,
  answer: Handler,
): Promise<Answer> {
  if (path === undefined) return { status: 400, body: "bad request\n" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, body: "only GET and HEAD\n" };
  try {
    return await answer(path);
  } catch {
    return { status: 500, body: "failed\n" };
  }
}

/** Reads the request line and the fields; empty if they are too long, undefined at EOF. */
async function readHead(conn: Stream): Promise<string | undefined> {
  const buffer = new Uint8Array(MAX_REQUEST);
  let filled = 0;
  while (filled < buffer.length) {
    const more = await conn.read(buffer.subarray(filled));
    if (more === null) return undefined;
    filled += more;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, filled));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return text.slice(0, end);
  }
  return "";
}

/** The path is undefined for a malformed request. */
function parse(head: string): { method: string; path: string | undefined } {
  const [first = "", ...fields] = head.split("\r\n");
  const [, method = "", target = "", minor] = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(first) ?? [];
  const hosts = fields.flatMap((field) => /^host:[ \t]*(.*?)[ \t]*$/i.exec(field)?.[1] ?? []);
  const isHost = hosts.length === 1
    ? /^[\w.:[\]%-]*$/.test(hosts[0] ?? "") && URL.canParse(`http://${hosts[0] || "localhost"}/`)
    : hosts.length === 0 && minor === "0";
  const url = target.startsWith("/") ? URL.parse(`http://localhost${target}`) : URL.parse(target);
  return { method, path: isHost ? url?.pathname : undefined };
}

async function writeAll(conn: Stream, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}
