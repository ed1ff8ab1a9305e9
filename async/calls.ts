// Calls between threads, over messages.
import { YodelError } from "../errors/yodel_error.ts";

/** Functions that another thread may call. What they take and return is copied. */
export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** What a call of one of them returns. */
type Result<Theirs extends Functions, Name extends keyof Theirs> = Awaited<
  ReturnType<Theirs[Name]>
>;

/** A call, which is answered if it has an id. */
interface Call {
  readonly id?: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** A call or an answer. */
export type CallMessage =
  | Call
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: string };

/** One end of the calls between two threads. */
export class Calls<Theirs extends Functions> {
  readonly #send: (message: CallMessage) => void;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  #end: Error | undefined;

  constructor(send: (message: CallMessage) => void) {
    this.#send = send;
  }

  /**
   * Calls a function of the other end.
   *
   * @throws {YodelError} what the function throws of this kind; any other error fails its thread
   * @throws what {@linkcode end} was given
   */
  async call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Result<Theirs, Name>> {
    if (this.#end !== undefined) throw this.#end;
    const pending = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#pending.set(id, pending);
    this.#send({ id, name, args });
    return await pending.promise as Result<Theirs, Name>;
  }

  /** Calls a function of the other end, without an answer. */
  notify<Name extends keyof Theirs & string>(name: Name, ...args: Parameters<Theirs[Name]>): void {
    this.#send({ name, args });
  }

  /** Handles a message of the other end, which may be a call of one of the `own` functions. */
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
      if (id !== undefined) this.#send({ id, result });
    } catch (error) {
      if (id === undefined || !(error instanceof YodelError)) throw error;
      this.#send({ id, failure: error.message });
    }
  }

  /** The other end is not there any more: all calls fail, now and later. */
  end(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }
}
