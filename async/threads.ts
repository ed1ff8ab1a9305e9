// Threads, and messages to and from them.
import { YodelError } from "../errors/yodel_error.ts";
import { isWithin } from "./pause.ts";

/** How long a thread may take to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** A thread cannot be started, or fails. Its message is one line for people. */
export class ThreadError extends YodelError {
  /** Distinguishes it from other errors. */
  override readonly name = "ThreadError";
}

/** A thread that listens, until disposed. */
export interface Thread<In> extends Disposable {
  /** Rejects with a {@linkcode ThreadError} when it fails. */
  readonly failed: Promise<never>;
  send(message: In): void;
}

export interface ThreadModule {
  readonly name: string;
  readonly url: string;
}

/**
 * Starts a thread and waits until it listens: earlier messages would be lost (denoland/deno#14098).
 *
 * @throws {ThreadError} where the module may not be read, or the thread does not start in time
 */
export async function startThread<In, Out>(
  { name, url }: ThreadModule,
  onMessage: (message: Out) => void,
  timeout = START_TIMEOUT,
): Promise<Thread<In>> {
  await checkReadable(new URL(url));
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  failed.catch(() => {});
  const worker = new Worker(url, { type: "module", name: NAMED + name });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    fail(new ThreadError(`a thread failed: ${event.message}`));
  });
  worker.addEventListener("message", () => {
    worker.addEventListener("message", ({ data }) => onMessage(data));
    listens();
  }, { once: true });
  try {
    if (!await isWithin(timeout, Promise.race([listening, failed]))) {
      throw new ThreadError(`a thread did not begin within ${timeout / 1000}s`);
    }
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    failed,
    send: (message) => worker.postMessage(message),
    [Symbol.dispose]: () => worker.terminate(),
  };
}

async function checkReadable(module: URL): Promise<void> {
  // The modules of a program from a URL are not files.
  if (module.protocol !== "file:") return;
  const { state } = await Deno.permissions.query({ name: "read", path: module });
  if (state === "granted") return;
  throw new ThreadError("cannot start a thread without --allow-read");
}

/** Names of threads begin with this. */
const NAMED = "yodel ";

const { name: ownName = "" } = globalThis as { name?: string };

/** Whether this is a thread: a bundle is one module that runs as program or thread. */
export const isThread: boolean = ownName.startsWith(NAMED);

/**
 * Makes a module a thread.
 *
 * @param name distinguishes the threads in a bundle
 * @param url the module's own `import.meta.url`
 * @param run runs in the thread only; takes the function that sends a message, and returns the one
 *   that handles a message
 */
export function thread<In, Out>(
  name: string,
  url: string,
  run: (send: (message: Out) => void) => (message: In) => void,
): ThreadModule {
  if (ownName === NAMED + name) {
    // The types are those of the main thread.
    const { postMessage } = globalThis as unknown as Pick<Worker, "postMessage">;
    const onMessage = run((message) => postMessage(message));
    addEventListener("message", (event) => {
      if (event instanceof MessageEvent) onMessage(event.data);
    });
    postMessage("listening");
  }
  return { name, url };
}
