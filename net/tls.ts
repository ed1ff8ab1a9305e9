// TLS, on both sides, by Node (docs/development.md, "TLS"). Deno's own TLS cannot request client
// certificates (denoland/deno#26825), has no TCP_NODELAY (denoland/deno#13617), and when closed
// in a handshake or with unwritten bytes it keeps its socket until the peer leaves (Deno 2.9).
import type { Server, TLSSocket } from "node:tls";
import { onAbort } from "../async/pause.ts";
import { Untrusted } from "../errors/reason.ts";
import type { HostEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";
import type { DialOptions } from "./dial_options.ts";
import { loadNode, node } from "./node.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { TlsStream } from "./tls_stream.ts";
import { subjectOf, whyUntrusted } from "./untrusted.ts";

/** How long a refused client may take to close, in milliseconds. */
const LINGER = 1000;

/** The alert handshake_failure (RFC 8446, 6.2), which Node does not send to a client without TLS. */
const ALERT = new Uint8Array([0x15, 0x03, 0x03, 0, 2, 2, 40]);

/** Where a handshake fails, the first read throws why. */
export async function listenTls(
  endpoint: HostEndpoint<"tls">,
  options: Omit<ListenOptions, "socketMode">,
): Promise<Listener<HostEndpoint<"tls">>> {
  const [cert, key, ca] = [options.tls?.cert, options.tls?.key, options.tls?.clientCa].map(plain);
  if (!cert || !key) throw new Error("it requires a certificate and a key");
  // Deno validates the certificate and the key at once, Node only in the first handshake.
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  await loadNode();
  // One for all handshakes, since reading a certificate takes a millisecond. Not by SNICallback:
  // with one, each connection keeps 31 KiB, a second configuration and its cache of sessions.
  const server = node.tls.createServer({
    ...{ cert, key, ca, allowHalfOpen: true, requestCert: ca !== undefined },
    // Node would reject a client without its reason or subject.
    rejectUnauthorized: false,
    // Node's own timer would keep a client in memory for two minutes after it has left.
    handshakeTimeout: -1,
  });
  const listener = await listenTcp(endpoint, options);
  return { ...listener, secure: (conn) => secure(conn, server) };
}

/** Without byte order marks: TLS libraries ignore a certificate with one before it. */
function plain(pem?: string): string | undefined {
  return pem?.replaceAll("\ufeff", "");
}

function secure(conn: Stream, server: Server): Stream {
  const stream = new TlsStream(conn, ALERT);
  stream.transport.once("close", () => {
    // Node closes first, and reports its own reason after that.
    const left = new Deno.errors.ConnectionReset("left before the end of the handshake");
    queueMicrotask(() => stream.fail(left));
  });
  // Node's TLS socket takes memory, so a silent client gets none.
  stream.receive().then(() => {
    if (!stream.transport.destroyed) startHandshake(stream, server);
  });
  return stream;
}

/** Only a server of Node's verifies the certificate of a client. */
function startHandshake(stream: TlsStream, shared: Server): void {
  // Events do not say which connection they are about, so each has a server that inherits all else.
  const server: Server = Object.create(shared);
  server.emit = (event: string, ...[result]: unknown[]) => {
    if (event === "tlsClientError") stream.fail(result);
    else if (result instanceof node.tls.TLSSocket) {
      if (result.authorized) stream.secured(result);
      else refuse(stream, result);
    }
    return true;
  };
  Reflect.apply(shared.emit, server, ["connection", stream.transport]);
}

/**
 * Ends the connection of a client without a trusted certificate. Its input is read first: closing
 * with unread bytes would reset the connection, and the client would not see a clean end.
 */
function refuse(stream: TlsStream, socket: TLSSocket): void {
  const subject = subjectOf(socket);
  const whose = subject === "" ? "" : ` (${subject})`;
  const refusal = new Error(`refused: ${whyUntrusted(socket, "clients")}${whose}`);
  const tooLong = setTimeout(() => stream.fail(refusal), LINGER);
  socket.once("error", () => {});
  socket.once("end", () => stream.fail(refusal));
  stream.handshake.catch(() => clearTimeout(tooLong));
  socket.resume();
  socket.end();
}

/** Needs {@linkcode loadNode}. */
export async function dialTls(
  endpoint: HostEndpoint<"tls">,
  options: DialOptions,
  signal: AbortSignal,
  onConnect: () => void,
): Promise<Stream> {
  const conn = await dialTcp(endpoint, options, signal);
  onConnect();
  const { serverName = endpoint.host, insecure, ...pem } = options.tls ?? {};
  const stream = new TlsStream(conn);
  using _closing = onAbort(signal, () => stream.close());
  const socket = node.tls.connect({
    socket: stream.transport,
    host: serverName,
    servername: node.net.isIP(serverName) === 0 ? serverName : undefined,
    ca: plain(pem.ca),
    cert: plain(pem.cert),
    key: plain(pem.key),
    rejectUnauthorized: false,
    // Missing in Node's types.
    ...{ allowHalfOpen: true },
  }, () => {
    if (insecure || socket.authorized) stream.secured(socket);
    else stream.fail(new Untrusted(whyUntrusted(socket, "servers")));
  });
  socket.once("error", (error) => stream.fail(error));
  const ended = new Error("ended in the middle of the handshake");
  socket.once("close", () => stream.fail(ended));
  try {
    await stream.handshake;
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}
