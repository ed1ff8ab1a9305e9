// Unix sockets, on both sides.
import { pause } from "../async/pause.ts";
import { errorCode, noFolder } from "../errors/reason.ts";
import type { UnixEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";

/** The most bytes that a path can have: unix(7), and unix(4) of others. */
const MAX_PATH = Deno.build.os === "linux" ? 107 : 103;

const NO_SOCKET = "there is a file of this name that is not a socket";

/** How often to try for the lock of a folder, or at a server that is full, in milliseconds. */
const AGAIN = 10;

/** How often to try for the lock; who holds it for longer is no server that starts. */
const LOCK_TRIES = 100;

/**
 * The path as the system takes it: one that begins with @ is a name of Linux
 * without a file (unix(7), "abstract").
 *
 * @throws for one that the system cannot take
 */
function pathOf({ path }: UnixEndpoint): string {
  const length = lengthOf(path);
  if (length > MAX_PATH) {
    throw new Error(`its path has ${length} bytes, and ${MAX_PATH} are the most`);
  }
  if (!path.startsWith("@")) return path;
  if (Deno.build.os === "linux") return `\0${path.slice(1)}`;
  throw new Error(`names without a file are of Linux; unix:./${path} is a file`);
}

function lengthOf(path: string): number {
  return new TextEncoder().encode(path).length;
}

/**
 * Listens on a Unix socket. A socket file at which nobody listens any more is
 * replaced; any other file stays as it is. The file goes when the listener is
 * closed, unless another has taken its place meanwhile. How many connections
 * wait to be accepted, Deno 2.9 decides: 1,024.
 *
 * @throws where somebody listens already, or it cannot be done
 */
export async function listenUnix(
  endpoint: UnixEndpoint,
  { socketMode }: Pick<ListenOptions, "socketMode">,
): Promise<Listener<UnixEndpoint>> {
  const path = pathOf(endpoint);
  const isFile = !path.startsWith("\0");
  const { listener, remove } = isFile
    ? await listenAt(path, socketMode)
    : { listener: Deno.listen({ transport: "unix", path }) };
  return {
    endpoint,
    accept: () => listener.accept(),
    close() {
      // First, as long as nobody can take the file for one that was left behind.
      remove?.();
      listener.close();
    },
  };
}

/**
 * Makes the socket in a folder that nobody else may enter, where it gets its
 * permissions, and only then puts it in its place.
 */
async function listenAt(
  path: string,
  mode: number,
): Promise<{ listener: Deno.UnixListener; remove: () => void }> {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  using _lock = await lockOf(folder || ".");
  await removeStale(path);
  const hidden = `${folder}.${Math.random().toString(36).slice(2, 6)}`;
  const made = `${hidden}/s`;
  const surplus = lengthOf(made) - MAX_PATH;
  if (surplus > 0) {
    const length = lengthOf(folder);
    throw new Error(`its folder has ${length} bytes, and ${length - surplus} are the most`);
  }
  await Deno.mkdir(hidden, { mode: 0o700 }).catch((error) => {
    throw errorCode(error) === "ENOENT" ? new Error(noFolder(path)) : error;
  });
  let listener;
  try {
    listener = Deno.listen({ transport: "unix", path: made });
    await Deno.chmod(made, mode);
    const own = await Deno.lstat(made);
    await move(made, path);
    return { listener, remove: () => removeOwn(path, own) };
  } catch (error) {
    listener?.close();
    throw error;
  } finally {
    await Deno.remove(hidden, { recursive: true });
  }
}

/**
 * Keeps other servers from a folder, as long as they start there as well: two
 * that find the same stale file would replace each other's.
 */
async function lockOf(folder: string): Promise<Disposable | undefined> {
  const file = await Deno.open(folder).catch(() => undefined);
  for (let tries = 0; file !== undefined && tries < LOCK_TRIES; tries++) {
    // Where there are no locks, it goes without.
    if (await file.tryLock(true).catch(() => true)) break;
    await pause(AGAIN);
  }
  return file;
}

/** Moves a socket to where nothing is. */
async function move(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw new Error("address in use");
    // Not every file system has links; but this would replace what is there.
    await Deno.rename(from, to);
  }
}

/** Removes the file of a listener, unless it is another one's by now. */
function removeOwn(path: string, own: Deno.FileInfo): void {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    if (dev === own.dev && ino === own.ino) Deno.removeSync(path);
  } catch {
    // It has gone already, or has to stay.
  }
}

/**
 * Opens a connection to a Unix socket; waits while too many others wait there.
 *
 * @throws why it cannot be opened, or the reason of the signal
 */
export async function dialUnix(
  endpoint: UnixEndpoint,
  _options: unknown,
  signal: AbortSignal,
): Promise<Stream> {
  const path = pathOf(endpoint);
  for (;;) {
    signal.throwIfAborted();
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) {
        const found = await Deno.stat(path).catch(() => undefined);
        throw found?.isSocket === false ? new Error(NO_SOCKET) : error;
      }
    }
    await pause(AGAIN, signal);
  }
}

/** Removes the socket file that a server left behind when it was killed. */
async function removeStale(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) throw new Error(NO_SOCKET);
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(path);
    // Where too many wait already, somebody listens.
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
  }
  throw new Error("address in use");
}
