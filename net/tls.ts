/**
 * TLS, on both sides, by Node.
 *
 * Deno's own is faster where messages are small, but a connection of its that
 * is closed during the handshake, or with something unwritten, keeps its socket
 * until the peer leaves (Deno 2.9): a server that strangers reach would run out
 * of descriptors. It cannot ask for client certificates, does not say why one
 * is refused, and has no TCP_NODELAY (docs/architecture.md, "TLS").
 *
 * @module
 */
import { isIP } from "node:net";
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { onAbort } from "../async/pause.ts";
import { HandshakeEnded } from "../errors/reason.ts";
import type { HostEndpoint } from "./endpoint.ts";
import type { DialOptions, Listener, ListenOptions, Stream } from "./stream.ts";
import { withoutByteOrderMarks } from "./pem.ts";
import { dialTcp, listenTcp } from "./tcp.ts";
import { TlsStream } from "./tls_stream.ts";
import { subjectOf, whyUntrusted } from "./untrusted.ts";

/** How long a client may take for its handshake, in milliseconds. */
const HANDSHAKE_LIMIT = 10_000;

/** How long a client that was refused has to see that, in milliseconds. */
const LINGER = 1000;

/** What Node should say, and does not, to a client that does not speak TLS: handshake_failure (RFC 8446, 6.2). */
const ALERT = new Uint8Array([0x15, 0x03, 0x03, 0, 2, 2, 40]);

/** What all handshakes of a listener have in common: to read a certificate takes a millisecond. */
interface Handshake {
  readonly context: SecureContext;
  readonly requestCert: boolean;
}

/**
 * Listens for TLS connections at an address. What the handshake of one fails with is what its
 * first read throws.
 *
 * @param limit how long a client may take for its handshake, in milliseconds
 * @throws what is wrong with the address, the certificate or the key
 */
export async function listenTls(
  endpoint: HostEndpoint<"tls">,
  options: Omit<ListenOptions, "socketMode">,
  limit = HANDSHAKE_LIMIT,
): Promise<Listener<HostEndpoint<"tls">>> {
  const { cert, key, clientCa } = withoutByteOrderMarks(options.tls ?? {});
  if (!cert || !key) throw new Error("it needs a certificate and a key");
  // Deno says what is wrong with the certificate or the key, Node only at the first handshake.
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key }).close();
  const handshake: Handshake = {
    context: createSecureContext({ cert, key, ca: clientCa }),
    requestCert: clientCa !== undefined,
  };
  const listener = await listenTcp(endpoint, options);
  return { ...listener, secure: (conn) => secured(conn, handshake, limit) };
}

/** Does the handshake on a connection that a client has opened. */
function secured(conn: Stream, handshake: Handshake, limit: number): Stream {
  const stream = new TlsStream(conn, ALERT);
  const { transport } = stream;
  const tooLong = setTimeout(() => {
    transport.destroy(new Error(`no TLS handshake in ${limit / 1000}s`));
  }, limit);
  stream.handshake.then(() => clearTimeout(tooLong), () => clearTimeout(tooLong));
  transport.once("close", () => {
    // Why Node has closed it, it says after that.
    const left = new Deno.errors.ConnectionReset("left before the end of the handshake");
    queueMicrotask(() => stream.fail(left));
  });
  // Until then a client costs hardly more than its socket, also one that leaves at once.
  stream.firstBytes().then(() => {
    if (!transport.destroyed) startHandshake(stream, handshake);
  });
  return stream;
}

function startHandshake(stream: TlsStream, { context, requestCert }: Handshake): void {
  // Of Node's kinds of TLS only a server looks who has signed a client's
  // certificate. Told to reject it, it would say neither why nor whose it was.
  const server = createServer({
    requestCert,
    rejectUnauthorized: false,
    SNICallback: (_host, use) => use(null, context),
    // None of Node's own: it would hold all that belongs to a client for two minutes after it has left.
    handshakeTimeout: -1,
    allowHalfOpen: true,
  }, (socket) => {
    if (!requestCert || socket.authorized) stream.secured(socket);
    else refuse(stream, socket);
  });
  server.on("tlsClientError", (error) => stream.fail(error));
  server.emit("connection", stream.transport);
}

/**
 * Ends a connection whose client has shown no certificate that is trusted. What
 * the client still sends is read first: with something unread, closing would
 * reset the connection, and the client would not see that it was ended.
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

/**
 * Opens a TLS connection.
 *
 * @param onConnect is called before the handshake
 * @throws why it cannot be opened, the server's certificate is not trusted, or the handshake
 *   failed; or the reason of the signal
 */
export async function dialTls(
  endpoint: HostEndpoint<"tls">,
  options: DialOptions,
  signal: AbortSignal,
  onConnect: () => void,
): Promise<Stream> {
  const conn = await dialTcp(endpoint, options, signal);
  onConnect();
  const { ca, cert, key, serverName = endpoint.host, insecure = false } = withoutByteOrderMarks(
    options.tls ?? {},
  );
  const stream = new TlsStream(conn);
  using _givingUp = onAbort(signal, () => stream.close());
  const socket = connect({
    socket: stream.transport,
    host: serverName,
    servername: isIP(serverName) === 0 ? serverName : undefined,
    ca,
    cert,
    key,
    rejectUnauthorized: false,
    // Node has this option of connect, its types do not.
    ...{ allowHalfOpen: true },
  }, () => {
    if (insecure || socket.authorized) stream.secured(socket);
    else stream.fail(new Error(whyUntrusted(socket, "servers")));
  });
  socket.once("error", (error) => stream.fail(error));
  socket.once(
    "close",
    () => stream.fail(new HandshakeEnded("ended in the middle of the handshake")),
  );
  try {
    await stream.handshake;
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}
