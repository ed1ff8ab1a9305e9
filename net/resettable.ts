// TCP connections with `reset`, by Node (denoland/deno#33415): Deno 2.9 can only close with FIN.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { boundTo, type HostEndpoint } from "./endpoint.ts";
import { BACKLOG, type Listener, type Stream } from "./stream.ts";

/** Connections that are not accepted yet wait in this program, unread. */
export async function listenResettable<E extends HostEndpoint>(
  endpoint: E,
): Promise<Listener<E>> {
  const { host, port } = endpoint;
  const waiting: Stream[] = [];
  let closed = false;
  let wake = () => {};
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
    (socket) => {
      // The peer has reset the connection.
      if (socket.remoteAddress === undefined) return void socket.destroy();
      waiting.push(streamOf(socket));
      wake();
    },
  );
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, "listening");
  // Errors concern single connections that could not be accepted.
  server.on("error", () => {});
  const bound = server.address() as AddressInfo;
  return {
    endpoint: boundTo(endpoint, { transport: "tcp", hostname: bound.address, port: bound.port }),
    async accept() {
      for (;;) {
        const stream = waiting.shift();
        if (stream !== undefined) return stream;
        if (closed) throw new Deno.errors.BadResource("the listener was closed");
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
    close() {
      closed = true;
      for (const stream of waiting.splice(0)) stream.close();
      server.close();
      wake();
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
