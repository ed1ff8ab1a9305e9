// Threads, which call functions of the program and whose functions it calls.
import { YodelError } from "../errors/yodel_error.ts";
import { type CallMessage, Calls, type Functions } from "./calls.ts";
import { isWithin } from "./pause.ts";

/** How long a thread may take to start, in milliseconds. */
const START_TIMEOUT = 30_000;

/** A thread cannot be started, or fails. Its message is one line for people. */
export class ThreadError extends YodelError {
  /** Distinguishes it from other errors. */
  override readonly name = "ThreadError";
}

/** A thread that runs, until disposed. Its calls throw a {@linkcode ThreadError} when it fails. */
export type Thread<Theirs extends Functions> =
  & Pick<Calls<Theirs>, "call" | "notify">
  & Disposable;

/** A module that runs as a thread: what {@linkcode thread} returns. */
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
    worker.terminate();
    calls.end(new ThreadError(why));
  };
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    end(`a thread failed: ${event.message}`);
    reject(new ThreadError(`a thread failed: ${event.message}`));
  });
  worker.addEventListener("message", () => {
    worker.addEventListener("message", ({ data }) => calls.receive(data, own));
    resolve();
  }, { once: true });
  if (!await isWithin(timeout, listening)) {
    const why = `a thread did not begin within ${timeout / 1000}s`;
    end(why);
    throw new ThreadError(why);
  }
  return {
    call: (...call) => calls.call(...call),
    notify: (...call) => calls.notify(...call),
    [Symbol.dispose]: () => end("the thread has ended"),
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
 * @param run runs in the thread only; returns the functions that the program may call
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
