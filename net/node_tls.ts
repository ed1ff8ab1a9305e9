/**
 * TLS by Node, over connections of Deno's: for what Deno's own cannot do.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, createServer } from "node:tls";
import type { HostEndpoint } from "./endpoint.ts";
import { duplexOf, NodeStream } from "./node_stream.ts";
import type { ClientTls, Listener, ServerTls, Stream } from "./stream.ts";
import { listenTcp } from "./tcp.ts";

/**
 * Listens for TLS connections of clients that show a certificate.
 *
 * @param clientCa the authority that has to have signed it, in PEM
 * @throws what is wrong with the certificates, the key or the address
 */
export function listenAskingForCertificates(
  endpoint: HostEndpoint<"tls">,
  backlog: number,
  tls: ServerTls & { readonly clientCa: string },
): Listener<HostEndpoint<"tls">> {
  // What is wrong with the certificate, the key or the CA shows here, and not at the first connection.
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: tls.cert, key: tls.key }).close();
  try {
    new X509Certificate(tls.clientCa);
  } catch {
    throw new Error("the client CA is not a certificate in PEM");
  }
  const listener = listenTcp(endpoint, backlog);
  return { ...listener, accept: async () => askForCertificate(await listener.accept(), tls) };
}

/**
 * Makes a TLS connection of one that a client has opened. The handshake goes on
 * by itself; what it fails with is what the first read or write throws.
 */
function askForCertificate(conn: Stream, { cert, key, clientCa }: ServerTls): Stream {
  let stream: NodeStream | undefined;
  const duplex = duplexOf(conn, () => stream?.consumed());
  const handshake = new Promise<NodeStream>((resolve, reject) => {
    const options = { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
    // Of Node's kinds of TLS only a server looks who has signed the certificate.
    const server = createServer(
      { ...options, allowHalfOpen: true },
      (socket) => resolve(stream = new NodeStream(socket, conn.remoteAddr)),
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
    remoteAddr: conn.remoteAddr,
    read: async (into) => await (await handshake).read(into),
    write: async (bytes) => await (await handshake).write(bytes),
    closeWrite: async () => await (await handshake).closeWrite(),
    close: () => void duplex.destroy(),
  };
}

/**
 * Makes a TLS connection out of a TCP connection, showing a certificate or
 * trusting any; see `startTls`.
 */
export async function startNodeTls(
  conn: Deno.TcpConn,
  host: string,
  tls: ClientTls,
  signal: AbortSignal,
): Promise<Stream> {
  let stream: NodeStream | undefined;
  const socket = duplexOf(conn, () => stream?.consumed());
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
    }, () => resolve(stream = new NodeStream(tlsSocket, conn.remoteAddr)));
    tlsSocket.once("error", reject);
    signal.addEventListener("abort", () => {
      if (stream === undefined) tlsSocket.destroy(new Error("given up"));
    }, { once: true });
  });
}
