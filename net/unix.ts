import { pause } from "../async/pause.ts";
import type { UnixEndpoint } from "./endpoint.ts";
import type { Listener, ListenOptions, Stream } from "./stream.ts";

/** The most bytes of a path: unix(7) of Linux, unix(4) of BSD and macOS. */
const MAX_PATH = Deno.build.os === "linux" ? 107 : 103;

/** The time between retries, in milliseconds. */
const RETRY_INTERVAL = 10;

/** No server holds its lock for longer while it starts, in retries. */
const LOCK_TRIES = 100;

/** The path for the system; on Linux @ marks a name without a file (unix(7), "abstract"). */
function pathOf({ path }: UnixEndpoint): string {
  checkLength("path", path, MAX_PATH);
  return Deno.build.os === "linux" && path.startsWith("@") ? `\0${path.slice(1)}` : path;
}

function checkLength(what: string, path: string, most: number): void {
  const { length } = new TextEncoder().encode(path);
  if (length > most) throw new Error(`its ${what} has ${length} bytes; the maximum is ${most}`);
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

/**
 * Makes the socket in a private folder, and moves it into place when it has its permissions. That
 * replaces the file of a server that was killed.
 */
async function listenAt(
  path: string,
  mode: number,
): Promise<{ listener: Deno.UnixListener; remove: () => void }> {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  using _lock = await lockOf(folder || ".");
  await checkFree(path);
  const name = `.${Math.random().toString(36).slice(2, 6)}`;
  const [hidden, made] = [`${folder}${name}`, `${folder}${name}/s`];
  checkLength("directory", folder, MAX_PATH - `${name}/s`.length);
  await Deno.mkdir(hidden, { mode: 0o700 });
  let listener;
  try {
    listener = Deno.listen({ transport: "unix", path: made });
    await Deno.chmod(made, mode);
    const own = await Deno.lstat(made);
    await Deno.rename(made, path);
    return { listener, remove: () => removeOwn(path, own) };
  } catch (error) {
    listener?.close();
    throw error;
  } finally {
    await Deno.remove(hidden, { recursive: true });
  }
}

/** Locks a folder: two servers that start at once would replace each other's file. */
async function lockOf(folder: string): Promise<Disposable | undefined> {
  const file = await Deno.open(folder).catch(() => undefined);
  for (let tries = 0; file !== undefined && tries < LOCK_TRIES; tries++) {
    // Some file systems have no locks.
    if (await file.tryLock(true).catch(() => true)) break;
    await pause(RETRY_INTERVAL);
  }
  return file;
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
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
    await pause(RETRY_INTERVAL, signal);
  }
}

/** Throws where there is another file, or the socket of a server that still runs. */
async function checkFree(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) throw new Error("a file of this name is not a socket");
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    // The server was killed.
    if (error instanceof Deno.errors.ConnectionRefused) return;
    // The backlog of a listening server is full.
    if (!(error instanceof Deno.errors.WouldBlock)) throw error;
  }
  throw new Error("address in use");
}
