// Threads; they and the program call functions of each other.
import { YodelError } from "../errors/yodel_error.ts";
import { type CallMessage, Calls, type Functions } from "./calls.ts";
import { isWithin } from "./pause.ts";

/** How long a thread may take to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** A thread cannot be started, or fails. */
export class ThreadError extends YodelError {
  /** Distinguishes it from other errors. */
  override readonly name = "ThreadError";
}

/** A running thread. Its calls throw a {@linkcode ThreadError} when it fails. */
export type Thread<Theirs extends Functions> =
  & Pick<Calls<Theirs>, "call" | "notify">
  & Disposable;

/** Made by {@linkcode thread}. */
export interface ThreadModule {
  readonly name: string;
  readonly url: string;
}

/**
 * Starts a thread and waits until it listens: earlier messages would be lost (denoland/deno#14098).
 *
 * @throws {ThreadError} where the module may not be read, or the thread does not start in time
 * @param own the functions that the thread may call
 */
export async function startThread<Theirs extends Functions>(
  { name, url }: ThreadModule,
  own: Functions,
  timeout = START_TIMEOUT,
): Promise<Thread<Theirs>> {
  await checkReadable(new URL(url));
  const worker = new Worker(url, { type: "module", name: NAMED + name });
  const calls = new Calls<Theirs>((message) => worker.postMessage(message));
  const end = (why: string) => {
    const error = new ThreadError(why);
    worker.terminate();
    calls.end(error);
    return error;
  };
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    reject(end(`a thread failed: ${event.message}`));
  });
  worker.addEventListener("message", () => {
    worker.addEventListener("message", ({ data }) => calls.receive(data, own));
    resolve();
  }, { once: true });
  if (!await isWithin(timeout, listening)) {
    throw end(`a thread did not begin within ${timeout / 1000}s`);
  }
  return {
    call: (...call) => calls.call(...call),
    notify: (...call) => calls.notify(...call),
    [Symbol.dispose]: () => void end("the thread has ended"),
  };
}

async function checkReadable(module: URL): Promise<void> {
  // The modules of a program from a URL are not files.
  if (module.protocol !== "file:") return;
  const { state } = await Deno.permissions.query({ name: "read", path: module });
  if (state === "granted") return;
  throw new ThreadError("cannot start a thread without --allow-read");
}

/** Begins the names of threads. */
const NAMED = "yodel ";

const { name: ownName = "" } = globalThis as { name?: string };

/** Whether this is a thread: a bundle is one module that runs as program or thread. */
export const isThread: boolean = ownName.startsWith(NAMED);

/**
 * Makes a module a thread.
 *
 * @param name distinguishes the threads of a bundle
 * @param url its `import.meta.url`
 * @param run runs only in the thread; returns the functions that the program may call
 */
export function thread<Theirs extends Functions>(
  name: string,
  url: string,
  run: (program: Calls<Theirs>) => Functions,
): ThreadModule {
  if (ownName === NAMED + name) {
    // The types are those of the main thread.
    const { postMessage } = globalThis as unknown as Pick<Worker, "postMessage">;
    const calls = new Calls<Theirs>((message) => postMessage(message));
    const own = run(calls);
    addEventListener("message", (event) => {
      if (event instanceof MessageEvent) calls.receive(event.data as CallMessage, own);
    });
    postMessage("listening");
  }
  return { name, url };
}
