// The processes of a benchmark, each pinned to CPUs.

/** With descriptors for 10,000 connections, of three each, or as many as are allowed. */
const ENOUGH_FILES = `ulimit -n 40000 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`;

/** What runs now. */
const running = new Set<Deno.ChildProcess>();

/** A process that is killed when it is disposed of. */
export interface Started extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
  /** Whether it has ended by itself. */
  hasEnded(): boolean;
}

/** Starts a command on `cpus`, such as `0` or `0,1`. */
export function start(words: readonly string[], cpus: string): Started {
  const process = new Deno.Command("taskset", {
    args: ["-c", cpus, "sh", "-c", ENOUGH_FILES, "sh", ...words],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  running.add(process);
  const ended = process.status.finally(() => running.delete(process));
  return {
    process,
    hasEnded: () => !running.has(process),
    async [Symbol.asyncDispose]() {
      kill(process);
      await ended;
      await Promise.allSettled([process.stdout.cancel(), process.stderr.cancel()]);
    },
  };
}

/**
 * Runs a command on `cpus` to its end.
 *
 * @returns what it printed
 * @throws {Error} with the last line that it wrote to stderr, if it failed
 */
export async function output(words: readonly string[], cpus: string): Promise<string> {
  await using started = start(["timeout", "180", ...words], cpus);
  const { process } = started;
  const [stdout, stderr] = await Promise.all([
    new Response(process.stdout).text(),
    new Response(process.stderr).text(),
  ]);
  if ((await process.status).success) return stdout;
  throw new Error(stderr.trim().split("\n").at(-1) || `${words[0]} failed or took too long`);
}

/** Ends all that runs, at once. */
export function endAll(): void {
  running.forEach(kill);
}

function kill(process: Deno.ChildProcess): void {
  if (running.has(process)) process.kill("SIGKILL");
}

/**
 * The memory of a process in bytes (PSS), without what is in files: how much of a library is a
 * process's own depends on all others.
 */
export function memory({ pid }: Deno.ChildProcess): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss_Anon:\s+(\d+) kB/m.exec(text)?.[1] ?? NaN) * 1024;
}
