// Calls between threads, over messages.
import { YodelError } from "../errors/yodel_error.ts";

/** Functions that another thread may call. What they take and return is copied. */
export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

type Result<Theirs extends Functions, Name extends keyof Theirs> = Awaited<
  ReturnType<Theirs[Name]>
>;

/** A call; one with an id is answered. */
interface Call {
  readonly id?: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type CallMessage =
  | Call
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: string };

/** One end of the calls between two threads. */
export class Calls<Theirs extends Functions> {
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #end: Error | undefined;

  constructor(private readonly send: (message: CallMessage) => void) {}

  /**
   * Calls a function of the other end.
   *
   * @throws {YodelError} if the function throws one; any other error fails its thread
   * @throws the error of {@linkcode end}
   */
  async call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Result<Theirs, Name>> {
    if (this.#end !== undefined) throw this.#end;
    const pending = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#pending.set(id, pending);
    this.send({ id, name, args });
    return await pending.promise as Result<Theirs, Name>;
  }

  /** Calls a function of the other end, without an answer. */
  notify<Name extends keyof Theirs & string>(name: Name, ...args: Parameters<Theirs[Name]>): void {
    this.send({ name, args });
  }

  /** Handles a message: an answer, or a call of one of the `own` functions. */
  async receive(message: CallMessage, own: Functions): Promise<void> {
    if ("name" in message) return await this.#answer(message, own);
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ("failure" in message) pending?.reject(new YodelError(message.failure));
    else pending?.resolve(message.result);
  }

  async #answer({ id, name, args }: Call, own: Functions): Promise<void> {
    try {
      const called = own[name];
      if (called === undefined) throw new Error(`a thread has no function ${name}`);
      const result = await called(...args as never[]);
      if (id !== undefined) this.send({ id, result });
    } catch (error) {
      if (id === undefined || !(error instanceof YodelError)) throw error;
      this.send({ id, failure: error.message });
    }
  }

  /** Makes all calls fail, now and later. */
  end(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }
}
