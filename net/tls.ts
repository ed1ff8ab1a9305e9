/**
 * TLS, on both sides.
 *
 * @module
 */
import type { HostEndpoint } from "./endpoint.ts";
import { formatHostPort } from "./endpoint.ts";
import type { AddressListener } from "./listen.ts";
import { duplexOf, NodeStream } from "./node_tls.ts";
import type { Stream } from "./stream.ts";
import { listenTcp } from "./tcp.ts";

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
  endpoint: HostEndpoint,
  backlog: number,
  tls: ServerTls,
): Promise<AddressListener> {
  if (tls.clientCa !== undefined) return await listenAskingForCertificates(endpoint, backlog, tls);
  const { host, port } = endpoint;
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
  endpoint: HostEndpoint,
  backlog: number,
  tls: ServerTls,
): Promise<AddressListener> {
  // What is wrong with the certificate, the key or the CA shows here, and not at the first connection.
  const { X509Certificate } = await import("node:crypto");
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: tls.cert, key: tls.key }).close();
  try {
    new X509Certificate(tls.clientCa ?? "");
  } catch {
    throw new Error("the client CA is not a certificate in PEM");
  }
  const listener = listenTcp(endpoint, backlog);
  return {
    addr: listener.addr,
    async accept() {
      const { stream, peer } = await listener.accept();
      return { stream: await askForCertificate(stream, tls), peer };
    },
    close: () => listener.close(),
  };
}

/**
 * Makes a TLS connection of one that a client has opened. The handshake goes on
 * by itself; what it fails with is what the first read or write throws.
 */
async function askForCertificate(
  conn: Stream,
  { cert, key, clientCa }: ServerTls,
): Promise<Stream> {
  const { createServer } = await import("node:tls");
  let stream: NodeStream | undefined;
  const duplex = await duplexOf(conn, () => stream?.consumed());
  const handshake = new Promise<NodeStream>((resolve, reject) => {
    const options = { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
    // Of Node's kinds of TLS only a server looks who has signed the certificate.
    const server = createServer(
      { ...options, allowHalfOpen: true },
      (socket) => resolve(stream = new NodeStream(socket)),
    );
    server.on("tlsClientError", (error) => {
      reject(error);
      // Ended first, so that the client hears why.
      duplex.end(() => duplex.destroy());
    });
    duplex.once("end", () => {
      if (stream === undefined) duplex.destroy();
    });
    duplex.once("close", () => reject(new Error("left before the end of the handshake")));
    server.emit("connection", duplex);
  });
  handshake.catch(() => {});
  return {
    read: async (into) => await (await handshake).read(into),
    write: async (bytes) => await (await handshake).write(bytes),
    closeWrite: async () => await (await handshake).closeWrite(),
    close: () => void duplex.destroy(),
  };
}

/**
 * Makes a TLS connection out of a TCP connection.
 *
 * @param signal closes the connection when it is aborted during the handshake
 * @throws why the server's certificate is not trusted, or the handshake failed
 */
export async function startTls(
  conn: Deno.TcpConn,
  host: string,
  tls: ClientTls,
  signal: AbortSignal,
): Promise<Stream> {
  // Deno's own client can neither show a certificate here nor trust any.
  if (tls.insecure || tls.cert !== undefined) return await startNodeTls(conn, host, tls, signal);
  const tlsConn = await Deno.startTls(conn, {
    hostname: tls.serverName ?? host,
    caCerts: tls.ca === undefined ? [] : [tls.ca],
  });
  const giveUp = () => tlsConn.close();
  signal.addEventListener("abort", giveUp);
  try {
    await tlsConn.handshake();
    return tlsConn;
  } catch (error) {
    if (!signal.aborted) tlsConn.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function startNodeTls(
  conn: Deno.TcpConn,
  host: string,
  tls: ClientTls,
  signal: AbortSignal,
): Promise<Stream> {
  const [{ connect }, { isIP }] = await Promise.all([import("node:tls"), import("node:net")]);
  let stream: NodeStream | undefined;
  const socket = await duplexOf(conn, () => stream?.consumed());
  const name = tls.serverName ?? host;
  return await new Promise<Stream>((resolve, reject) => {
    const tlsSocket = connect({
      socket,
      host: name,
      servername: isIP(name) === 0 ? name : undefined,
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key,
      rejectUnauthorized: !tls.insecure,
      // Node has this option of connect, its types do not.
      ...{ allowHalfOpen: true },
    }, () => resolve(stream = new NodeStream(tlsSocket)));
    tlsSocket.once("error", reject);
    signal.addEventListener("abort", () => {
      if (stream === undefined) tlsSocket.destroy(new Error("given up"));
    }, { once: true });
  });
}
