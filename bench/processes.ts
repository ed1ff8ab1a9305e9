// The processes of a benchmark: each pinned to CPUs, in a group that can be ended and measured.

/** How long anything that is run to its end may take, in milliseconds. */
const LIMIT = 180_000;

/** Of how many ticks of its clock Linux makes a second, whatever the machine. */
const TICKS = 100;

/** With descriptors for 10,000 connections, of three each, or as many as are allowed. */
const ENOUGH_FILES = `ulimit -n 40000 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`;

/** The groups that run now, by the id of their first process. */
const running = new Set<number>();

/** A process with all that it starts. */
export interface Group extends AsyncDisposable {
  readonly id: number;
  readonly process: Deno.ChildProcess;
  /** Whether its first process has ended. */
  hasEnded(): boolean;
}

/** Starts a command on `cpus`, such as `0` or `0,1`; its input stays open until it is disposed of. */
export function start(words: readonly string[], cpus: string): Group {
  const process = new Deno.Command("taskset", {
    args: ["-c", cpus, "sh", "-c", ENOUGH_FILES, "sh", ...words],
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const id = process.pid;
  running.add(id);
  let ended = false;
  const status = process.status.then(() => void (ended = true));
  return {
    id,
    process,
    hasEnded: () => ended,
    async [Symbol.asyncDispose]() {
      end(id);
      await status;
      running.delete(id);
      const streams = [process.stdin, process.stdout, process.stderr];
      await Promise.allSettled(
        streams.map((stream) => "abort" in stream ? stream.abort() : stream.cancel()),
      );
    },
  };
}

/**
 * Runs a command on `cpus` to its end.
 *
 * @returns what it printed
 * @throws {Error} with the last line that it wrote to stderr, where it failed
 */
export async function output(words: readonly string[], cpus: string): Promise<string> {
  await using group = start(words, cpus);
  const tooLong = setTimeout(() => end(group.id), LIMIT);
  const [stdout, stderr] = await Promise.all([
    new Response(group.process.stdout).text(),
    new Response(group.process.stderr).text(),
  ]);
  const { success } = await group.process.status;
  clearTimeout(tooLong);
  if (success) return stdout;
  throw new Error(stderr.trim().split("\n").at(-1) || `${words[0]} failed or took too long`);
}

/** Ends all that runs, at once. */
export function endAll(): void {
  for (const id of running) end(id);
}

function end(id: number): void {
  try {
    Deno.kill(-id, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The time of CPUs that a group has used, in seconds. */
export function cpuSeconds(group: Group): number {
  const ticks = membersOf(group).map(({ stat }) => {
    // Its own, for itself and for the kernel, and those of children that have ended.
    return stat.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS;
}

/**
 * The memory of a group in bytes, in which what several processes share counts once (PSS). What
 * is in files does not count: how much of a library is a process's own depends on all others.
 */
export function memory(group: Group): number {
  const kibibytes = membersOf(group).map(({ pid }) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    return Number(/^Pss_Anon:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, one) => sum + one, 0) * 1024;
}

/** The processes of a group, with the fields of their `stat` that follow their name. */
function membersOf({ id }: Group): { pid: string; stat: string[] }[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`).replace(/^.*\) /s, "").split(" ");
      return Number(stat[2]) === id ? [{ pid: name, stat }] : [];
    } catch {
      return []; // It has ended meanwhile.
    }
  });
}
