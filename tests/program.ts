/** Runs the program as a shell would: its arguments, its streams, its signals, its status. */
import { PATIENT, until } from "./machine.ts";

const standIns = import.meta.resolve("@std/assert").startsWith("file:");

/** The folder of the project. */
export const root: string = decodeURIComponent(new URL("..", import.meta.url).pathname)
  .replace(/^\/(?=[A-Z]:)/, "");

/** The arguments with which deno finds the packages that this test run itself uses. */
export const packages: readonly string[] = standIns
  ? [`--import-map=${root}.ci/npm/imports.json`]
  : [];

/** How deno starts the program, as the tasks of deno.json have it. */
export const deno: readonly string[] = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--no-check",
  "--v8-flags=--max-semi-space-size=2",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-sys=hostname,networkInterfaces",
];

/** The command line that starts the program from its modules, as in a checkout. */
export const programOfModules: readonly string[] = [...deno, ...packages, `${root}main.ts`];

/** The program in one module, which starts sooner; tests/run.ts makes it. */
export const bundle = Deno.env.get("YODEL_PROGRAM");

/** The command line that starts the program of a bundle. */
export function programOf(bundle: string): string[] {
  return [...deno, `--config=${root}deno.json`, bundle];
}

/** The command line that starts the program. */
export const program: readonly string[] = bundle === undefined
  ? programOfModules
  : programOf(bundle);

/** The same without Deno's unstable interfaces, as from a URL. */
export const programWithoutUnstable: readonly string[] = programOfModules
  .toSpliced(2, 0, "--no-config");

/** What a finished program leaves behind. */
export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs yodel to its end. */
export async function yodel(args: readonly string[], stdin = ""): Promise<Result> {
  return await run([...program, ...args], stdin);
}

const quoted = program.map((word) => `'${word}'`).join(" ");

/** A script for sh that is the program. */
export const programScript = `#!/bin/sh\nexec ${quoted} "$@"\n`;

/** Runs a script of bash in which `yodel` is the program. */
export async function shell(script: string, stdin = ""): Promise<Result> {
  return await run(["bash", "-c", `yodel() { ${quoted} "$@"; }\n${script}`], stdin);
}

function spawn(
  [command = "", ...args]: readonly string[],
  stdin: "piped" | "null" = "null",
): Deno.ChildProcess {
  const options = {
    args,
    stdin,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  } as const;
  return new Deno.Command(command, options).spawn();
}

/** Runs a command to its end, which must come within `limit` milliseconds. */
export async function run(
  command: readonly string[],
  stdin = "",
  limit = 120_000,
): Promise<Result> {
  const child = spawn(command, "piped");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), limit);
  // A program need not read its input to the end.
  await new Blob([stdin]).stream().pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  clearTimeout(tooLong);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs yodel, interrupts it with Ctrl-C once `enough` holds of its output, and waits for its end. */
export async function interrupt(
  args: readonly string[],
  enough: (printed: string) => boolean,
): Promise<Result> {
  const child = spawn([...program, ...args]);
  const tooLong = setTimeout(() => child.kill("SIGKILL"), PATIENT);
  const stderr = new Response(child.stderr).text();
  let stdout = "";
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) stdout += part;
  })();
  try {
    await until(() => enough(stdout), "it has printed enough");
  } finally {
    child.kill("SIGINT");
  }
  const { code } = await child.status;
  await reading;
  clearTimeout(tooLong);
  return { code, stdout, stderr: await stderr };
}

/** `yodel serve`, running. */
export interface RunningServer extends AsyncDisposable {
  /** The lines that it printed on stdout: what it listens on. */
  endpoints: string[];
  /** The port of the first of them. */
  port: number;
  process: Deno.ChildProcess;
  /** What it wrote to stderr; complete once it has ended. */
  log: Promise<string>;
}

/** Starts `yodel serve` and waits until it listens. */
export async function startServer(
  args: readonly string[],
  command: readonly string[] = [...program, "serve"],
): Promise<RunningServer> {
  const process = spawn([...command, ...args]);
  const log = new Response(process.stderr).text();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error(`the server did not start: ${await log}`);
  const endpoints = new TextDecoder().decode(value).trimEnd().split("\n");
  return {
    endpoints,
    port: Number(/:(\d+)$/.exec(endpoints[0] ?? "")?.[1]),
    process,
    log,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await process.status;
      await log;
      await reader.cancel();
    },
  };
}

/** Notes why tests are skipped, for the last line of the test run. */
export function noteSkip(reason: string): void {
  const file = Deno.env.get("YODEL_SKIPS");
  if (file !== undefined) Deno.writeTextFileSync(file, `${reason}\n`, { append: true });
}

/** Whether a command is on this machine. CI installs all that the tests ask for. */
export function available(command: string): boolean {
  if (Deno.build.os === "windows") {
    noteSkip("not on Windows");
    return false;
  }
  const { success } = new Deno.Command("sh", {
    args: ["-c", `command -v ${command}`],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  if (!success) noteSkip(`no ${command}`);
  return success;
}
