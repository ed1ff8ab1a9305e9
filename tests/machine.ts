/** The machine that runs the tests: its system, its time and its memory. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Waits until `condition` holds. Only a condition that never holds reaches the limit of a minute. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENT;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited a minute until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Whether this machine has what only Unix has. */
export const unix = Deno.build.os !== "windows";

/** Whether this machine runs Linux. */
export const linux = Deno.build.os === "linux";

/** Options of tests that are for Unix only, or for Linux only. */
export const onUnix = { ignore: !unix };
export const onLinux = { ignore: !linux };

/** A limit that only a hang can reach, also on a slow and busy machine, in milliseconds. */
export const PATIENT = 60_000;

/** Waits for a server that is slow on purpose, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Watches the event loop until it is called; returns how late a turn was at most, in milliseconds. */
export function watchLateness(): () => number {
  const interval = 5;
  let latest = 0;
  let last = performance.now();
  const look = () => {
    latest = Math.max(latest, performance.now() - last - interval);
    last = performance.now();
  };
  const timer = setInterval(look, interval);
  return () => {
    clearInterval(timer);
    look();
    return latest;
  };
}

/**
 * Repeats a measurement, also one that failed, until no turn of the event loop was more than `late`
 * milliseconds late during it: for times that a busy machine must not decide. After a minute the
 * result stands.
 */
export async function undisturbed<T>(measure: () => Promise<T>, late = 20): Promise<T> {
  for (const deadline = performance.now() + PATIENT;;) {
    const lateness = watchLateness();
    const [measured] = await Promise.allSettled([measure()]);
    if (lateness() > late && performance.now() < deadline) continue;
    if (measured.status === "rejected") throw measured.reason;
    return measured.value;
  }
}

/** How much memory JavaScript holds here after a garbage collection, in bytes. */
export function heldMemory(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return Deno.memoryUsage().heapUsed;
}

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

/** Runs a test in several ways at once, each to its end, also when another one fails. */
export async function inEach<const T>(
  ways: readonly T[],
  test: (way: T) => Promise<void>,
): Promise<void> {
  for (const done of await Promise.allSettled(ways.map(test))) {
    if (done.status === "rejected") throw done.reason;
  }
}

/** How long something took, in milliseconds. */
export async function timed(what: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await what();
  return performance.now() - start;
}

/** How much memory a process holds, in bytes; on Linux. */
export function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** How many descriptors a process has open; on Linux. */
export function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}
