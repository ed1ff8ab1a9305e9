/** The longest time of a Deno timer, in milliseconds. */
export const LONGEST_PAUSE = 2 ** 31 - 1;

/** Waits some milliseconds, or until the signal. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}

/** Whether a promise is fulfilled within some milliseconds. */
export async function isWithin(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = pause(milliseconds, over.signal).then(() => false);
  return await Promise.race([promise.then(() => true), late]).finally(() => over.abort());
}

/** Calls a function when a signal is aborted, at once if it is already, until disposed. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): Disposable {
  if (signal?.aborted) call();
  else signal?.addEventListener("abort", call, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", call) };
}

/** Rejects with the reason of a signal when that is aborted. */
export async function failure(signal: AbortSignal): Promise<never> {
  await aborted(signal);
  throw signal.reason;
}

/** Resolves when a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => void onAbort(signal, resolve));
}

/** Notifies all waiting for the next change. */
export class Change {
  #next = Promise.withResolvers<void>();

  get next(): Promise<void> {
    return this.#next.promise;
  }

  announce(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }
}
