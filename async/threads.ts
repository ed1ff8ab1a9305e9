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

/**
 * Starts a thread and waits until it listens: Deno 2.9 drops what reaches a
 * thread before. Its module calls {@linkcode listen}.
 *
 * @param create makes it: the bundler of `deno compile` looks for the literal
 *   `new Worker(new URL("…", import.meta.url))` and finds it with the caller only
 * @throws {ThreadError} where this program may not read the module, and where
 *   the thread fails or is silent for too long
 */
export async function startThread<In, Out>(
  create: () => Worker,
  module: URL,
  onMessage: (message: Out) => void,
  firstWordWithin = FIRST_WORD_WITHIN,
): Promise<Thread<In>> {
  await checkReadable(module);
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  const { promise: listening, resolve: listens } = Promise.withResolvers<void>();
  failed.catch(() => {});
  const worker = create();
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

/** In a thread: listens to who started it, and says so; what is returned sends it messages. */
export function listen<In, Out>(onMessage: (message: In) => void): (message: Out) => void {
  addEventListener("message", (event) => {
    if (event instanceof MessageEvent) onMessage(event.data);
  });
  // The types are those of the main thread, which has no such function.
  const thread = globalThis as unknown as Pick<Worker, "postMessage">;
  thread.postMessage("listening");
  return (message) => thread.postMessage(message);
}
