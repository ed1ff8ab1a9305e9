// Threads, and messages to and from them.
import { YodelError } from "../errors/yodel_error.ts";
import { isWithin } from "./pause.ts";

/** How long a thread may take until it listens, in milliseconds. */
const FIRST_WORD_WITHIN = 30_000;

/** A thread cannot be started, or fails. Its message is one line for people. */
export class ThreadError extends YodelError {
  /** `ThreadError`. */
  override readonly name = "ThreadError";
}

/** A thread that listens. It ends when this is disposed of. */
export interface Thread<In> extends Disposable {
  /** Rejects with a {@linkcode ThreadError} when it fails. */
  readonly failed: Promise<never>;
  send(message: In): void;
}

/** A module that runs as a thread: what {@linkcode thread} returns. */
export interface ThreadModule {
  readonly name: string;
  readonly url: string;
}

/**
 * Starts a thread and waits until it listens: Deno 2.9 drops messages that reach a thread before.
 *
 * @throws {ThreadError} where this program may not read the module, and where
 *   the thread fails or is silent for too long
 */
export async function startThread<In, Out>(
  { name, url }: ThreadModule,
  onMessage: (message: Out) => void,
  firstWordWithin = FIRST_WORD_WITHIN,
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
    if (!await isWithin(firstWordWithin, Promise.race([listening, failed]))) {
      throw new ThreadError(`a thread did not begin within ${firstWordWithin / 1000}s`);
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

/** Modules of a remote program are not files. */
async function checkReadable(module: URL): Promise<void> {
  if (module.protocol !== "file:") return;
  const { state } = await Deno.permissions.query({ name: "read", path: module });
  if (state === "granted") return;
  throw new ThreadError("cannot start a thread without --allow-read");
}

/** The beginning of the names of threads. */
const NAMED = "yodel ";

const { name: ownName = "" } = globalThis as { name?: string };

/** Whether this is a thread, and not the program: a bundle is one module that runs as either. */
export const isThread: boolean = ownName.startsWith(NAMED);

/**
 * Makes a module a thread.
 *
 * @param name says which thread to run where several are in one bundle
 * @param url the module's own `import.meta.url`
 * @param run runs in the thread of that name alone; takes what sends a message, and returns what
 *   handles one
 */
export function thread<In, Out>(
  name: string,
  url: string,
  run: (send: (message: Out) => void) => (message: In) => void,
): ThreadModule {
  if (ownName === NAMED + name) {
    // The types are those of the main thread, which has no such function.
    const { postMessage } = globalThis as unknown as Pick<Worker, "postMessage">;
    const onMessage = run((message) => postMessage(message));
    addEventListener("message", (event) => {
      if (event instanceof MessageEvent) onMessage(event.data);
    });
    postMessage("listening");
  }
  return { name, url };
}
