// TCP connections with `reset`, by Node (denoland/deno#33415): Deno 2.9 can only close with FIN.
import type { AddressInfo, Socket } from "node:net";
import { boundTo, type HostEndpoint } from "./endpoint.ts";
import { loadNode, node } from "./node.ts";
import { BACKLOG, type Listener, type Stream } from "./stream.ts";

/** The handle of a server of Node's, as Deno 2.9 has it. */
interface ListeningHandle {
  onconnection(status: number): void;
  listen(backlog: number): number;
}

/** From one poll of the listener to the next while a client is waited for, in milliseconds. */
const POLL_INTERVAL = 100;

/**
 * Listens with Node's server, but takes a connection for each `accept` only. Deno 2.9 does not poll
 * a listener of Node's again after an error of accept(2), such as EMFILE, and reports none.
 */
export async function listenResettable<E extends HostEndpoint>(endpoint: E): Promise<Listener<E>> {
  const { host, port } = endpoint;
  await loadNode();
  const server = node.net.createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
  });
  server.listen({ host, port, backlog: BACKLOG });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve).once("error", reject);
  });
  const bound = server.address() as AddressInfo;
  const { _handle: handle } = server as unknown as { _handle: ListeningHandle };
  const { onconnection } = handle;
  let accepting: PromiseWithResolvers<Stream> | undefined;
  let closed = false;
  // Listening again polls, and calls this until a call accepts nothing.
  handle.onconnection = (status) => {
    if (accepting !== undefined) onconnection.call(handle, status);
  };
  server.on("connection", (socket) => {
    // The peer has reset the connection.
    if (socket.remoteAddress === undefined) return void socket.destroy();
    accepting?.resolve(streamOf(socket));
    accepting = undefined;
  });
  server.on("error", () => {});
  const polling = setInterval(() => accepting && handle.listen(BACKLOG), POLL_INTERVAL);
  return {
    endpoint: boundTo(endpoint, { transport: "tcp", hostname: bound.address, port: bound.port }),
    async accept() {
      if (closed) throw new Deno.errors.BadResource("the listener is closed");
      accepting = Promise.withResolvers();
      const { promise } = accepting;
      handle.listen(BACKLOG);
      return await promise;
    },
    close() {
      closed = true;
      clearInterval(polling);
      server.close();
      accepting?.reject(new Deno.errors.BadResource("the listener is closed"));
    },
  };
}

function streamOf(socket: Socket): Stream {
  const chunks: AsyncIterator<Uint8Array> = socket.iterator({ destroyOnReturn: false });
  let rest: Uint8Array = new Uint8Array(0);
  // Reads and writes fail with it as well.
  socket.on("error", () => {});
  const { remoteAddress = "", remotePort = 0 } = socket;
  return {
    remoteAddr: { transport: "tcp", hostname: remoteAddress, port: remotePort },
    async read(into) {
      if (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done) return null;
        rest = value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
      }),
    async closeWrite() {
      // A destroyed socket would never call back.
      if (socket.destroyed) return;
      await new Promise<void>((resolve) => socket.end(() => resolve()));
    },
    close: () => void socket.destroy(),
    reset: () => void socket.resetAndDestroy(),
  };
}
