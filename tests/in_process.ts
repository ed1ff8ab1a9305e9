/** Runs command lines without a process for each. */
import { runCommandLine } from "../cli/run.ts";
import type { Result } from "./program.ts";

/**
 * Runs a command line that ends by itself and reads no input, as main.ts does, and collects what it
 * prints. Signals stay those of the tests. One at a time: the streams are those of this process.
 *
 * @param onSignal gets what the command does at each signal
 */
export async function runHere(
  args: readonly string[],
  onSignal: (signal: Deno.Signal, handler: () => void) => void = () => {},
): Promise<Result> {
  const decoder = new TextDecoder();
  let [stdout, stderr] = ["", ""];
  using _streams = replaced(Deno.stdout, {
    write(bytes) {
      stdout += decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    },
  });
  using _errors = replaced(Deno.stderr, {
    isTerminal: () => false,
    writeSync(bytes) {
      stderr += decoder.decode(bytes);
      return bytes.length;
    },
  });
  using _signals = replaced(Deno, { addSignalListener: onSignal });
  const code = await runCommandLine(args, (status) => {
    throw new Error(`it would have exited with ${status}`);
  });
  return { code, stdout, stderr };
}

/** Gives an object other methods until this is disposed of. */
export function replaced<T extends object>(object: T, methods: Partial<T>): Disposable {
  const own = new Map(Object.entries(Object.getOwnPropertyDescriptors(object)));
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(object, name, { value, configurable: true });
  }
  return {
    [Symbol.dispose]() {
      for (const name of Object.keys(methods)) {
        const before = own.get(name);
        if (before === undefined) Reflect.deleteProperty(object, name);
        else Object.defineProperty(object, name, before);
      }
    },
  };
}
