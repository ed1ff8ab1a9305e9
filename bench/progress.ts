// A line on stderr that tells how far a benchmark is.

/** Counts steps, and tells of them. */
export class Progress {
  readonly #all: number;
  readonly #began = performance.now();
  readonly #isTerminal = Deno.stderr.isTerminal();
  readonly #told = new Set<string>();
  #done = 0;
  #last = "";

  constructor(all: number) {
    this.#all = all;
  }

  /** Says what is done now; where stderr is no terminal, once for each `turn`. */
  tell(turn: string, step: string): void {
    const left = this.#done === 0 ? "" : `, ${this.#left()} left`;
    const line = `${this.#done} of ${this.#all}${left}: ${turn}`;
    if (this.#isTerminal) this.#write(`\r\x1b[K${line}, ${step}`);
    else if (turn !== this.#last) this.#write(`${line}\n`);
    this.#last = turn;
  }

  /** Counts steps that are done, or left out. */
  count(steps: number): void {
    this.#done += steps;
  }

  /** Says what went wrong, once for each `who`. */
  complain(who: string, error: unknown): void {
    if (this.#told.has(who)) return;
    this.#told.add(who);
    this.clear();
    this.#write(`bench: left out ${who}: ${error instanceof Error ? error.message : error}\n`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
  }

  #left(): string {
    const passed = performance.now() - this.#began;
    const seconds = passed / this.#done * (this.#all - this.#done) / 1000;
    return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
