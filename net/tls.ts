/**
 * TLS, on both sides. That of Deno is the fast one; what it cannot do, asking
 * for client certificates, showing one and trusting any, does that of Node.
 *
 * @module
 */
import type { HostEndpoint } from "./endpoint.ts";
import type { ClientTls, Listener, ServerTls, Stream } from "./stream.ts";

/**
 * Listens for TLS connections.
 *
 * @param backlog how many connections wait in the kernel to be accepted
 * @throws what is wrong with the certificate, the key or the address
 */
export async function listenTls(
  endpoint: HostEndpoint<"tls">,
  backlog: number,
  tls: ServerTls,
): Promise<Listener<HostEndpoint<"tls">>> {
  if (tls.clientCa !== undefined) {
    const { listenAskingForCertificates } = await import("./node_tls.ts");
    return listenAskingForCertificates(endpoint, backlog, { ...tls, clientCa: tls.clientCa });
  }
  const { host, port } = endpoint;
  const { cert, key } = tls;
  const listener = Deno.listenTls({ hostname: host, port, tcpBacklog: backlog, cert, key });
  const { addr } = listener;
  return {
    endpoint: { ...endpoint, host: addr.hostname, port: addr.port },
    accept: () => listener.accept(),
    close: () => listener.close(),
  };
}

/**
 * Makes a TLS connection out of a TCP connection.
 *
 * @param host what the server's certificate is for, unless `tls` names another
 * @param signal closes the connection when it is aborted during the handshake
 * @throws why the server's certificate is not trusted, or the handshake failed
 */
export async function startTls(
  conn: Deno.TcpConn,
  host: string,
  tls: ClientTls,
  signal: AbortSignal,
): Promise<Stream> {
  if (tls.insecure || tls.cert !== undefined) {
    const { startNodeTls } = await import("./node_tls.ts");
    return await startNodeTls(conn, host, tls, signal);
  }
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
