// Waiting for something to change.

/** Something that changes, and wakes those who wait for that. */
export class Change {
  #next = Promise.withResolvers<void>();

  /** Resolves when the next change is announced. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  /** Wakes everybody who waits. */
  announce(): void {
    const { resolve } = this.#next;
    this.#next = Promise.withResolvers();
    resolve();
  }
}
