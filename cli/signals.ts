/** In milliseconds: a task runner passes on the Ctrl-C that the terminal sent to both. */
const SAME_SIGNAL = 100;

const SIGNALS = [["SIGHUP", 1], ["SIGINT", 2], ["SIGTERM", 15]] as const;

/** The first signal aborts, with the exit status as the reason; the second ends the program. */
export function stopOnSignal(exit: (status: number) => never): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  for (const [signal, number] of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL) exit(128 + number);
      stop.abort(128 + number);
    });
  }
  return stop.signal;
}

/** Signals do not end process 1 of a container by default, and Deno 2.9 crashes after one. */
export function endOnSignal(exit: (status: number) => never): void {
  if (Deno.pid !== 1) return;
  for (const [signal, number] of SIGNALS) {
    Deno.addSignalListener(signal, () => exit(128 + number));
  }
}
