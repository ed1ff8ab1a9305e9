/**
 * The command line: chooses the command, reads its flags, runs it and exits
 * with its status. Nothing else reads arguments or exits.
 *
 * @module
 */
import { commandHelp, programHelp } from "./cli/help.ts";
import { commands } from "./cli/commands.ts";
import { completions } from "./cli/completions.ts";
import {
  asksForHelp,
  parseCommandName,
  parseEndpoints,
  parseInvocation,
  parseShell,
  UsageError,
} from "./cli/parse.ts";
import { connect, EchoError, type Input, type Output, StreamError, writeAll } from "./client.ts";
import config from "./deno.json" with { type: "json" };
import { escapeControls } from "./escape.ts";
import { createLog } from "./log.ts";
import { EndpointError, formatEndpoint, serve } from "./server.ts";

/** Exit statuses (design, "The command line"). */
const ALL_WELL = 0;
const ANSWER_WAS_NO = 1;
const COULD_NOT_BE_DONE = 2;

/**
 * Signals that follow the first within this time, in milliseconds, are the same
 * one: a task runner passes on the Ctrl-C that the terminal sent to both.
 */
const SAME_SIGNAL = 100;

/** How long the last lines of the log may take, in milliseconds. */
const LAST_LINES = 1000;

const encoder = new TextEncoder();

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--help" || first === "-h") return print(programHelp());
  if (first === "--version" || first === "-V") return print(`yodel ${config.version}\n`);
  const name = parseCommandName(first);
  if (asksForHelp(rest)) return print(commandHelp(name));
  switch (name) {
    case "serve":
      return await runServe(rest);
    case "connect":
      return await runConnect(rest);
    case "completions": {
      const { operands } = parseInvocation(commands.completions, rest);
      return await print(completions(parseShell(operands)));
    }
  }
}

async function runServe(args: readonly string[]): Promise<number> {
  const { flags, operands } = parseInvocation(commands.serve, args);
  const log = createLog(flags["log-level"], flags["log-format"]);
  const server = await serve(parseEndpoints(operands, 0), {
    idleTimeout: flags["idle-timeout"],
    backlog: flags["backlog"],
    maxConnections: flags["max-connections"],
    drain: flags["drain"],
    log,
    logData: flags["log-data"],
    signal: stopOnSignal(),
  });
  await print(server.endpoints.map((endpoint) => formatEndpoint(endpoint) + "\n").join(""));
  await server.finished;
  await Promise.race([log.written(), pause(LAST_LINES)]);
  return ALL_WELL;
}

/** Is aborted at the first SIGINT or SIGTERM; the second one ends the program at once. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL) Deno.exit(128 + number);
      stop.abort();
    });
  }
  return stop.signal;
}

async function runConnect(args: readonly string[]): Promise<number> {
  const { flags, operands } = parseInvocation(commands.connect, args);
  const [endpoint] = parseEndpoints(operands, 1);
  const output = Deno.stdout.isTerminal() ? new TerminalOutput() : stdout;
  try {
    await connect(endpoint, {
      input: stdin,
      output,
      timeout: flags["timeout"],
      idleTimeout: flags["idle-timeout"],
      verify: flags["verify"],
      onConnect: () => {
        if (!Deno.stdin.isTerminal()) return;
        console.error(`connected to ${formatEndpoint(endpoint)}; Ctrl-D ends`);
      },
    });
    return ALL_WELL;
  } catch (error) {
    // Whoever read stdout, as `head` does, has had enough. That ends well, but
    // for what was to be verified and now is not.
    if (isBrokenPipe(error) && !flags["verify"]) return ALL_WELL;
    throw error;
  }
}

const stdin: Input = { read: (into) => whenReady(() => Deno.stdin.read(into)) };
const stdout: Output = { write: (bytes) => whenReady(() => Deno.stdout.write(bytes)) };

/** Shows what comes from the network without letting it control the terminal. */
class TerminalOutput implements Output {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  async write(bytes: Uint8Array): Promise<number> {
    const text = this.#decoder.decode(bytes, { stream: true });
    await writeAll(stdout, encoder.encode(escapeControls(text, "\n\t\\")));
    return bytes.length;
  }
}

/**
 * Tries again as long as a stream would block, which it does only where the
 * program on its other end has set it so: Deno waits for the others itself.
 */
async function whenReady<T>(operation: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await pause(10);
    }
  }
}

/** Writes to stdout, for as long as anybody reads it. */
async function print(text: string): Promise<number> {
  try {
    await writeAll(stdout, encoder.encode(text));
  } catch (error) {
    if (!isBrokenPipe(error)) throw error;
  }
  return ALL_WELL;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof StreamError && error.cause instanceof Deno.errors.BrokenPipe;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Says on stderr what went wrong and returns the exit status for it. */
function fail(error: unknown): number {
  const expected = [UsageError, EndpointError, StreamError, EchoError]
    .some((kind) => error instanceof kind);
  console.error("yodel:", expected && error instanceof Error ? error.message : error);
  return error instanceof EchoError ? ANSWER_WAS_NO : COULD_NOT_BE_DONE;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
