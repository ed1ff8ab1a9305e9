/**
 * Unix sockets, on both sides.
 *
 * @module
 */
import type { UnixEndpoint } from "./endpoint.ts";
import type { Listener, Stream } from "./stream.ts";

/**
 * Listens on a Unix socket. A socket file at which nobody listens any more is
 * replaced; any other file stays as it is. The file goes when the listener is
 * closed.
 *
 * @param mode permissions of the file, such as 0o600
 * @throws where somebody listens already, or it cannot be done
 */
export async function listenUnix(endpoint: UnixEndpoint, mode: number): Promise<Listener> {
  const { path } = endpoint;
  await removeStale(path);
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, mode).catch((error) => {
    listener.close();
    throw error;
  });
  return { endpoint, accept: () => listener.accept(), close: () => listener.close() };
}

/**
 * Opens a connection to a Unix socket.
 *
 * @throws why it cannot be opened
 */
export async function dialUnix({ path }: UnixEndpoint): Promise<Stream> {
  return await Deno.connect({ transport: "unix", path });
}

/** Removes the socket file that a server left behind when it was killed. */
async function removeStale(path: string): Promise<void> {
  const file = await Deno.lstat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (file === undefined) return;
  if (!file.isSocket) throw new Error("there is a file of this name that is not a socket");
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    await Deno.remove(path);
    return;
  }
  throw new Error("address in use");
}
