/**
 * TLS, on both sides.
 *
 * @module
 */
import type { HostEndpoint } from "./endpoint.ts";
import { formatHostPort } from "./endpoint.ts";
import type { AddressListener, Arrival } from "./listen.ts";
import { NodeStream } from "./node_stream.ts";
import type { Stream } from "./stream.ts";

/** What a server shows and asks for; all in PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Clients must have a certificate that this authority signed. */
  readonly clientCa?: string;
}

/** What a client shows and trusts; all in PEM. */
export interface ClientTls {
  /** An authority to trust. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate is for, where it is not the host. */
  readonly serverName?: string;
  /** Trusts any certificate. */
  readonly insecure?: boolean;
}

/**
 * Listens for TLS connections. Deno's own TLS is the fast one, but cannot ask
 * for client certificates; then it is that of `node:tls`.
 *
 * @throws what is wrong with the certificate, the key or the address
 */
export async function listenTls(
  { host, port }: HostEndpoint,
  backlog: number,
  tls: ServerTls,
): Promise<AddressListener> {
  if (tls.clientCa !== undefined) {
    return await listenAskingForCertificates(host, port, backlog, tls);
  }
  const { cert, key } = tls;
  const listener = Deno.listenTls({ hostname: host, port, tcpBacklog: backlog, cert, key });
  return {
    addr: listener.addr,
    async accept() {
      const conn = await listener.accept();
      const { hostname, port } = conn.remoteAddr;
      return { stream: conn, peer: () => formatHostPort(hostname, port) };
    },
    close: () => listener.close(),
  };
}

async function listenAskingForCertificates(
  host: string,
  port: number,
  backlog: number,
  { cert, key, clientCa }: ServerTls,
): Promise<AddressListener> {
  const { createServer } = await import("node:tls");
  const arrived: Arrival[] = [];
  let closed = false;
  let change = Promise.withResolvers<void>();
  const announce = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const server = createServer({
    cert,
    key,
    ca: clientCa,
    requestCert: true,
    rejectUnauthorized: true,
    allowHalfOpen: true,
    noDelay: true,
  }, (socket) => {
    const { remoteAddress = "", remotePort = 0 } = socket;
    arrived.push({
      stream: new NodeStream(socket),
      peer: () => formatHostPort(remoteAddress, remotePort),
    });
    announce();
  });
  // A handshake that fails ends its own connection and nothing else.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no address");
  return {
    addr: { transport: "tcp", hostname: address.address, port: address.port },
    async accept() {
      for (;;) {
        const next = arrived.shift();
        if (next !== undefined) return next;
        if (closed) throw new Deno.errors.BadResource("listener closed");
        await change.promise;
      }
    },
    close() {
      closed = true;
      server.close();
      announce();
    },
  };
}

/**
 * Makes a TLS connection out of a TCP connection.
 *
 * @throws why the server's certificate is not trusted, or the handshake failed
 */
export async function startTls(
  conn: Deno.TcpConn,
  host: string,
  tls: ClientTls,
): Promise<Stream> {
  const tlsConn = await Deno.startTls(conn, {
    hostname: tls.serverName ?? host,
    caCerts: tls.ca === undefined ? [] : [tls.ca],
  });
  try {
    await tlsConn.handshake();
    return tlsConn;
  } catch (error) {
    tlsConn.close();
    throw error;
  }
}

/** Whether a client needs what only `node:tls` can do. */
export function needsNode(tls: ClientTls): boolean {
  return tls.insecure === true || tls.cert !== undefined;
}

/** Connects by `node:tls`, which can show a certificate, and trust any. */
export async function connectByNode(
  { host, port }: HostEndpoint,
  tls: ClientTls,
  signal: AbortSignal,
): Promise<Stream> {
  const [{ connect }, { isIP }] = await Promise.all([
    import("node:tls"),
    import("node:net"),
  ]);
  const name = tls.serverName ?? host;
  return await new Promise<Stream>((resolve, reject) => {
    const socket = connect({
      host,
      port,
      servername: isIP(name) === 0 ? name : undefined,
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
      rejectUnauthorized: tls.insecure !== true,
      // Node has this option of connect, its types do not.
      ...{ allowHalfOpen: true },
    }, () => {
      socket.off("error", reject);
      socket.setNoDelay(true);
      resolve(new NodeStream(socket));
    });
    socket.once("error", reject);
    signal.addEventListener("abort", () => socket.destroy(new Error("aborted")), { once: true });
  });
}
