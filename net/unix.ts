/**
 * Unix sockets, on both sides.
 *
 * @module
 */
import { errorCode, noFolder } from "../errors/reason.ts";
import type { UnixEndpoint } from "./endpoint.ts";
import type { Listener, Stream } from "./stream.ts";

/** The most bytes that a path can have: unix(7), and unix(4) of others. */
const MAX_PATH = Deno.build.os === "linux" ? 107 : 103;

/**
 * The path as the system takes it: one that begins with @ is a name of Linux
 * without a file (unix(7), "abstract").
 *
 * @throws for one that the system cannot take
 */
function pathOf({ path }: UnixEndpoint): string {
  const { length } = new TextEncoder().encode(path);
  if (length > MAX_PATH) {
    throw new Error(`its path has ${length} bytes, and ${MAX_PATH} are the most`);
  }
  if (!path.startsWith("@")) return path;
  if (Deno.build.os === "linux") return `\0${path.slice(1)}`;
  throw new Error(`names without a file are of Linux; unix:./${path} is a file`);
}

/**
 * Listens on a Unix socket. A socket file at which nobody listens any more is
 * replaced; any other file stays as it is. The file goes when the listener is
 * closed.
 *
 * @param mode permissions of the file, such as 0o600
 * @throws where somebody listens already, or it cannot be done
 */
export async function listenUnix(endpoint: UnixEndpoint, mode: number): Promise<Listener> {
  const path = pathOf(endpoint);
  const isFile = !path.startsWith("\0");
  if (isFile) await removeStale(path);
  const listener = listenAt(path);
  if (isFile) {
    await Deno.chmod(path, mode).catch((error) => {
      listener.close();
      throw error;
    });
  }
  return { endpoint, accept: () => listener.accept(), close: () => listener.close() };
}

/**
 * Opens a connection to a Unix socket.
 *
 * @throws why it cannot be opened
 */
export async function dialUnix(endpoint: UnixEndpoint): Promise<Stream> {
  return await Deno.connect({ transport: "unix", path: pathOf(endpoint) });
}

function listenAt(path: string): Deno.UnixListener {
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    throw errorCode(error) === "ENOENT" ? new Error(noFolder(path)) : error;
  }
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
