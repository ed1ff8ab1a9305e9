import { pause } from "../async/pause.ts";
import { errorCode, noFolder } from "../errors/reason.ts";
import type { UnixEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";

/** The most bytes of a path: unix(7) of Linux, unix(4) of BSD and macOS. */
const MAX_PATH = Deno.build.os === "linux" ? 107 : 103;

const NO_SOCKET = "there is a file of this name that is not a socket";

/** The time between retries, in milliseconds. */
const RETRY_INTERVAL = 10;

/** No server holds the lock for longer while it starts. */
const LOCK_TRIES = 100;

/** The path for the system; @ marks a name without a file (unix(7), "abstract"). */
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
 * Listens on a Unix socket. A stale socket file is replaced, any other file is not. Closing
 * removes the file, unless it was replaced meanwhile. Deno 2.9 fixes the backlog at 1,024.
 */
export async function listenUnix(
  endpoint: UnixEndpoint,
  { socketMode }: Pick<ListenOptions, "socketMode">,
): Promise<Listener<UnixEndpoint>> {
  const path = pathOf(endpoint);
  const { listener, remove } = path.startsWith("\0")
    ? { listener: Deno.listen({ transport: "unix", path }) }
    : await listenAt(path, socketMode);
  return {
    endpoint,
    accept: () => listener.accept(),
    close() {
      // Before the listener: afterwards another server could take the file for a stale one.
      remove?.();
      listener.close();
    },
  };
}

/** Makes the socket in a private folder, and moves it into place when it has its permissions. */
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

/** Locks a folder: two servers that start at once would replace each other's stale file. */
async function lockOf(folder: string): Promise<Disposable | undefined> {
  const file = await Deno.open(folder).catch(() => undefined);
  for (let tries = 0; file !== undefined && tries < LOCK_TRIES; tries++) {
    // Some file systems have no locks.
    if (await file.tryLock(true).catch(() => true)) break;
    await pause(RETRY_INTERVAL);
  }
  return file;
}

async function move(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw new Error("address in use");
    // Some file systems have no links. A rename would replace a file.
    await Deno.rename(from, to);
  }
}

function removeOwn(path: string, own: Deno.FileInfo): void {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    if (dev === own.dev && ino === own.ino) Deno.removeSync(path);
  } catch {
    // It was removed already, or may not be.
  }
}

/** Retries while the backlog of the socket is full. */
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
    await pause(RETRY_INTERVAL, signal);
  }
}

/** Removes the socket file of a server that was killed. */
async function removeStale(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) throw new Error(NO_SOCKET);
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (error instanceof Deno.errors.ConnectionRefused) return await Deno.remove(path);
    // The backlog of a listening server is full.
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
  }
  throw new Error("address in use");
}
