// Threads; they and the program call functions of each other, over messages.
import { YodelError } from "../errors/yodel_error.ts";

/** A thread cannot be started, or fails. */
export class ThreadError extends YodelError {
}

/** Functions that another thread may call. What they take and return is copied. */
export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

type Message =
  | { readonly id?: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly result?: unknown }
  | { readonly id: number; readonly failure: string };

/** The id of a thread's first message: earlier ones to it would be lost (denoland/deno#14098). */
const LISTENING = 0;

/** One end of the calls between the program and a thread. */
export class Calls<Theirs extends Functions> implements Disposable {
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = LISTENING;
  #end: ThreadError | undefined;

  constructor(private readonly other: Worker) {}

  /** Handles the answers and calls of the other end, which may call the `own` functions. */
  listen(own: Functions): void {
    this.other.addEventListener("message", ({ data }) => this.#receive(data, own));
  }

  /**
   * Calls a function of the other end.
   *
   * @throws {YodelError} if the function throws one; any other error fails its thread
   * @throws {ThreadError} when the thread has failed or ended
   */
  async call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> {
    const id = ++this.#lastId;
    const answer = this.answerTo(id);
    this.other.postMessage({ id, name, args });
    return await answer as Awaited<ReturnType<Theirs[Name]>>;
  }

  /** Calls a function of the other end, without an answer. */
  notify<Name extends keyof Theirs & string>(name: Name, ...args: Parameters<Theirs[Name]>): void {
    this.other.postMessage({ name, args });
  }

  async answerTo(id: number): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(id, pending);
    return await pending.promise;
  }

  async #receive(message: Message, own: Functions): Promise<void> {
    if (!("name" in message)) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ("failure" in message) pending?.reject(new YodelError(message.failure));
      else pending?.resolve(message.result);
      return;
    }
    const { id, name, args } = message;
    try {
      const result = await own[name]?.(...args as never[]);
      if (id !== undefined) this.other.postMessage({ id, result });
    } catch (error) {
      if (id === undefined || !(error instanceof YodelError)) throw error;
      this.other.postMessage({ id, failure: error.message });
    }
  }

  /** Ends the thread; all calls fail, now and later. */
  end(why: string): void {
    this.other.terminate();
    this.#end ??= new ThreadError(why);
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }

  [Symbol.dispose](): void {
    this.end("the thread has ended");
  }
}

/**
 * Starts a thread and waits until it listens.
 *
 * @throws {ThreadError} where the module may not be read, or the thread fails
 * @param own the functions that the thread may call
 */
export async function startThread<Theirs extends Functions>(
  { name, url }: ReturnType<typeof thread>,
  own: Functions,
): Promise<Calls<Theirs>> {
  await checkReadable(new URL(url));
  const worker = new Worker(url, { type: "module", name: NAMED + name });
  const calls = new Calls<Theirs>(worker);
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    calls.end(`a thread failed: ${event.message}`);
  });
  calls.listen(own);
  await calls.answerTo(LISTENING);
  return calls;
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
) {
  if (ownName === NAMED + name) {
    // The types of `globalThis` are those of the main thread.
    const program = globalThis as unknown as Worker;
    const calls = new Calls<Theirs>(program);
    calls.listen(run(calls));
    program.postMessage({ id: LISTENING });
  }
  return { name, url };
}
