/**
 * The command line: chooses the command, reads its flags, runs it and exits
 * with its status. Nothing else reads arguments or exits.
 *
 * @module
 */
import { commandHelp, programHelp } from "./cli/help.ts";
import { commands } from "./cli/commands.ts";
import { parseCommandName, parseInvocation, UsageError } from "./cli/parse.ts";
import { connect, EchoError, type Output, StreamError } from "./client.ts";
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

const encoder = new TextEncoder();

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--help" || first === "-h") return print(programHelp());
  if (first === "--version" || first === "-V") return print(`yodel ${config.version}\n`);
  const name = parseCommandName(first);
  if (rest.includes("--help") || rest.includes("-h")) return print(commandHelp(name));
  switch (name) {
    case "serve":
      return await runServe(rest);
    case "connect":
      return await runConnect(rest);
  }
}

async function runServe(args: readonly string[]): Promise<number> {
  const { flags, endpoints } = parseInvocation(commands.serve, args);
  const stop = new AbortController();
  const server = await serve(endpoints, {
    idleTimeout: flags["idle-timeout"],
    backlog: flags["backlog"],
    maxConnections: flags["max-connections"],
    drain: flags["drain"],
    log: createLog(flags["log-level"], flags["log-format"]),
    logData: flags["log-data"],
    signal: stop.signal,
  });
  let signalled: number | undefined;
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(signal, () => {
      signalled ??= performance.now();
      if (performance.now() - signalled > SAME_SIGNAL) Deno.exit(128 + number);
      stop.abort();
    });
  }
  print(server.endpoints.map((endpoint) => formatEndpoint(endpoint) + "\n").join(""));
  await server.finished;
  return ALL_WELL;
}

async function runConnect(args: readonly string[]): Promise<number> {
  const { flags, endpoints: [endpoint] } = parseInvocation(commands.connect, args);
  try {
    await connect(endpoint, {
      input: Deno.stdin,
      output: Deno.stdout.isTerminal() ? new TerminalOutput() : Deno.stdout,
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
    const enough = error instanceof StreamError && error.cause instanceof Deno.errors.BrokenPipe;
    if (enough && !flags["verify"]) return ALL_WELL;
    throw error;
  }
}

/** Shows what comes from the network without letting it control the terminal. */
class TerminalOutput implements Output {
  #decoder = new TextDecoder();

  async write(bytes: Uint8Array): Promise<number> {
    const text = escapeControls(this.#decoder.decode(bytes, { stream: true }), "\n\t\\");
    const shown = encoder.encode(text);
    for (let written = 0; written < shown.length;) {
      written += await Deno.stdout.write(shown.subarray(written));
    }
    return bytes.length;
  }
}

/** Writes to stdout, for as long as anybody reads it. */
function print(text: string): number {
  const bytes = encoder.encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stdout.writeSync(bytes.subarray(written));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  return ALL_WELL;
}

/** Says on stderr what went wrong and returns the exit status for it. */
function fail(error: unknown): number {
  const expected = [UsageError, EndpointError, StreamError, EchoError]
    .some((kind) => error instanceof kind);
  console.error("yodel:", expected && error instanceof Error ? error.message : error);
  return error instanceof EchoError ? ANSWER_WAS_NO : COULD_NOT_BE_DONE;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
