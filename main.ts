/**
 * The command line: chooses the command, reads its flags, runs it and exits
 * with its status. Nothing else reads arguments or exits.
 *
 * @module
 */
import { commandHelp, programHelp } from "./cli/help.ts";
import { type ClientTlsFlags, commands, type FlagValues } from "./cli/commands.ts";
import { completions } from "./cli/completions.ts";
import {
  asksForHelp,
  parseCommandName,
  parseEndpoints,
  parseInvocation,
  parseShell,
  UsageError,
} from "./cli/parse.ts";
import { type ClientTls, connect, load, ping } from "./client.ts";
import config from "./deno.json" with { type: "json" };
import { createLog } from "./cli/log.ts";
import type { Log } from "./server/log.ts";
import { makeIdentity } from "./net/certificate.ts";
import { MAX_DATAGRAM } from "./net/udp.ts";
import { reason } from "./errors/reason.ts";
import { pause } from "./async/pause.ts";
import { planLoad } from "./client/load/plan.ts";
import { type LoadProgress, type LoadResult, totalErrors } from "./client/load/result.ts";
import { failedLoadJson, loadJson } from "./report/load_json.ts";
import { progressText } from "./report/load_progress.ts";
import { loadText } from "./report/load_text.ts";
import { probeJson, summaryJson } from "./report/ping_json.ts";
import { probeText, summaryText } from "./report/ping_text.ts";
import { type Endpoint, EndpointError, formatEndpoint, serve, type ServerTls } from "./server.ts";
import {
  columns,
  isBrokenPipe,
  print,
  StatusLine,
  stdin,
  stdout,
  TerminalOutput,
} from "./cli/stdio.ts";
import { YodelError } from "./errors/yodel_error.ts";

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

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--help" || first === "-h") return await show(programHelp());
  if (first === "--version" || first === "-V") return await show(`yodel ${config.version}\n`);
  const name = parseCommandName(first);
  if (asksForHelp(rest)) return await show(commandHelp(name));
  switch (name) {
    case "serve":
      return await runServe(rest);
    case "connect":
      return await runConnect(rest);
    case "ping":
      return await runPing(rest);
    case "load":
      return await runLoad(rest);
    case "completions": {
      const { operands } = parseInvocation(commands.completions, rest);
      return await show(completions(parseShell(operands)));
    }
  }
}

async function runServe(args: readonly string[]): Promise<number> {
  const { flags, operands } = parseInvocation(commands.serve, args);
  const endpoints = parseEndpoints(operands, 0);
  const log = createLog(flags["log-level"], flags["log-format"]);
  const server = await serve(endpoints, {
    tls: await serverTls(endpoints, flags, log),
    idleTimeout: flags["idle-timeout"],
    backlog: flags["backlog"],
    socketMode: flags["socket-mode"],
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

/** Reads what `tls://` endpoints need, or makes it where nothing is given. */
async function serverTls(
  endpoints: readonly Endpoint[],
  flags: FlagValues<typeof commands.serve.flags>,
  log: Log,
): Promise<ServerTls | undefined> {
  refuseUselessTls(endpoints, flags);
  if (!endpoints.some(({ scheme }) => scheme === "tls")) return undefined;
  const clientCa = await readIfGiven(flags["client-ca"]);
  const given = { cert: await readIfGiven(flags["cert"]), key: await readIfGiven(flags["key"]) };
  if (given.cert !== undefined && given.key !== undefined) {
    if (flags["write-ca"] !== "") throw new UsageError("--write-ca and --cert exclude each other");
    return { cert: given.cert, key: given.key, clientCa };
  }
  const hosts = endpoints.flatMap((endpoint) => endpoint.scheme === "tls" ? [endpoint.host] : []);
  const names = new Set(["localhost", "127.0.0.1", "::1", ...hosts]);
  const { ca, cert, key } = await makeIdentity([...names].filter((name) => name !== "*"));
  if (flags["write-ca"] !== "") {
    await Deno.writeTextFile(flags["write-ca"], ca).catch((error) => {
      throw new UsageError(`--write-ca: cannot write ${flags["write-ca"]}: ${reason(error)}`);
    });
  }
  log.warn?.("made a throw-away certificate", {
    names: [...names],
    ca: flags["write-ca"] || "not written, see --write-ca",
  });
  return { cert, key, clientCa };
}

/** Complains of flags for TLS that would do nothing, or half of something. */
function refuseUselessTls(
  endpoints: readonly Endpoint[],
  flags: Readonly<Record<string, unknown>>,
): void {
  const names = ["cert", "key", "client-ca", "write-ca", "ca", "server-name", "insecure"];
  const given = names.find((name) => flags[name]);
  if (given !== undefined && !endpoints.some(({ scheme }) => scheme === "tls")) {
    throw new UsageError(`--${given}: expected a tls:// endpoint with it`);
  }
  if (!flags["cert"] !== !flags["key"]) throw new UsageError("--cert and --key go together");
}

async function readIfGiven(file: string): Promise<string | undefined> {
  if (file === "") return undefined;
  return await Deno.readTextFile(file).catch((error) => {
    throw new UsageError(`cannot read ${file}: ${reason(error)}`);
  });
}

/** Reads what a `tls://` endpoint needs. */
async function clientTls(endpoint: Endpoint, flags: ClientTlsFlags): Promise<ClientTls> {
  refuseUselessTls([endpoint], flags);
  if (flags["insecure"]) console.error("yodel: --insecure: nobody knows who the server is");
  return {
    ca: await readIfGiven(flags["ca"]),
    cert: await readIfGiven(flags["cert"]),
    key: await readIfGiven(flags["key"]),
    serverName: flags["server-name"] || undefined,
    insecure: flags["insecure"],
  };
}

/**
 * Is aborted at the first SIGINT or SIGTERM, with the exit status of the signal
 * for a reason; the second one ends the program at once.
 */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL) Deno.exit(128 + number);
      stop.abort(128 + number);
    });
  }
  return stop.signal;
}

async function runConnect(args: readonly string[]): Promise<number> {
  const { flags, given, operands } = parseInvocation(commands.connect, args);
  const [endpoint] = parseEndpoints(operands, 1);
  const udp = endpoint.scheme === "udp";
  if (udp && given.has("idle-timeout")) {
    throw new UsageError("--idle-timeout: udp:// has no connection that could be idle");
  }
  if (!udp && given.has("datagram-size")) {
    throw new UsageError("--datagram-size: expected a udp:// endpoint with it");
  }
  const tls = await clientTls(endpoint, flags);
  const output = Deno.stdout.isTerminal() ? new TerminalOutput() : stdout;
  try {
    await connect(endpoint, {
      input: stdin,
      output,
      timeout: given.has("timeout") ? flags["timeout"] : undefined,
      datagramSize: flags["datagram-size"],
      idleTimeout: flags["idle-timeout"],
      verify: flags["verify"],
      tls,
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

async function runPing(args: readonly string[]): Promise<number> {
  const { flags, operands } = parseInvocation(commands.ping, args);
  const [endpoint] = parseEndpoints(operands, 1);
  refuseForDatagrams(endpoint, flags);
  const name = formatEndpoint(endpoint);
  const colour = Deno.stdout.isTerminal() && !Deno.noColor;
  const signalled = stopOnSignal();
  const unread = new AbortController();
  let printed = Promise.resolve();
  const line = (text: string): Promise<void> => {
    printed = printed.then(async () => {
      if (!unread.signal.aborted && !await print(text + "\n")) unread.abort();
    });
    // It is thrown in the end; until then nothing more needs to be measured.
    printed.catch(() => unread.abort());
    return printed.catch(() => {});
  };
  let unsent: string | undefined;
  const summary = await ping(endpoint, {
    count: flags["count"],
    interval: flags["interval"],
    size: flags["size"],
    timeout: flags["timeout"],
    deadline: flags["deadline"],
    reconnect: flags["reconnect"],
    tls: await clientTls(endpoint, flags),
    signal: AbortSignal.any([signalled, unread.signal]),
    onLoss: (what) => console.error(`yodel: ${name}: ${what}`),
    onResult(result) {
      if (result.outcome === "unsent") unsent ??= result.error;
      if (flags["quiet"]) return;
      const text = flags["json"] ? JSON.stringify(probeJson(result)) : probeText(endpoint, result);
      return line(colour && !flags["json"] && result.outcome !== "right" ? red(text) : text);
    },
  });
  // The terminal has shown the Ctrl-C at the beginning of the line.
  if (signalled.aborted && Deno.stderr.isTerminal()) console.error();
  line(flags["json"] ? JSON.stringify(summaryJson(summary)) : summaryText(summary));
  await printed;
  const { sent, right, repeated, surplus } = summary;
  if (sent === 0 && unsent !== undefined) {
    throw new EndpointError("cannot connect to", endpoint, unsent);
  }
  if (sent === 0 && signalled.aborted) return signalled.reason;
  const allRight = right === sent && repeated + surplus + summary.unsent === 0;
  return allRight ? ALL_WELL : ANSWER_WAS_NO;
}

async function runLoad(args: readonly string[]): Promise<number> {
  const { flags, given, operands } = parseInvocation(commands.load, args);
  const [endpoint] = parseEndpoints(operands, 1);
  refuseForDatagrams(endpoint, flags);
  if (given.has("connect-rate") && (flags["reconnect"] || endpoint.scheme === "udp")) {
    const instead = flags["reconnect"] ? "use --rate" : "udp:// has none";
    throw new UsageError(`--connect-rate: it is for connections that stay open; ${instead}`);
  }
  const settings = {
    connections: flags["connections"],
    size: flags["size"],
    pipeline: flags["pipeline"],
    duration: given.has("duration") ? flags["duration"] : undefined,
    messages: flags["messages"],
    rate: flags["rate"],
    warmUp: flags["warm-up"],
    connectRate: flags["connect-rate"],
    reconnect: flags["reconnect"],
    workers: flags["workers"],
    timeout: given.has("timeout") ? flags["timeout"] : undefined,
  };
  if (settings.reconnect && settings.pipeline > 1) {
    throw new UsageError("--pipeline: with --reconnect a connection carries one message");
  }
  const plan = planLoad(endpoint, settings);
  // Before the load, for which one may have waited for hours.
  await writeHistogram(flags["histogram"], "");
  const signal = stopOnSignal();
  const progress = Deno.stderr.isTerminal() ? new StatusLine() : undefined;
  let last: LoadProgress = { connections: 0, elapsed: 0, right: 0, errors: 0 };
  let result: LoadResult;
  try {
    result = await load(endpoint, {
      ...settings,
      tls: await clientTls(endpoint, flags),
      signal,
      onProgress(now) {
        progress?.show(progressText(plan, now, last));
        last = now;
      },
    });
  } catch (error) {
    if (flags["json"] && error instanceof EndpointError) {
      await print(JSON.stringify(failedLoadJson(plan, error.message)) + "\n");
    }
    throw error;
  } finally {
    progress?.clear();
  }
  await print(
    flags["json"] ? JSON.stringify(loadJson(result)) + "\n" : loadText(result, columns()),
  );
  const { latencies, started, elapsed } = result;
  await writeHistogram(flags["histogram"], await latencies.log(started, elapsed));
  if (totalErrors(result) > 0) return ANSWER_WAS_NO;
  return result.messages.right === 0 && signal.aborted ? signal.reason : ALL_WELL;
}

async function writeHistogram(file: string, log: string): Promise<void> {
  if (file === "") return;
  await Deno.writeTextFile(file, log).catch((error) => {
    throw new UsageError(`--histogram: cannot write ${file}: ${reason(error)}`);
  });
}

/** Complains of what datagrams cannot do. */
function refuseForDatagrams(
  endpoint: Endpoint,
  flags: { readonly reconnect: boolean; readonly size: number },
): void {
  if (endpoint.scheme !== "udp") return;
  if (flags.reconnect) throw new UsageError("--reconnect: udp:// has no connection to open");
  if (flags.size <= MAX_DATAGRAM) return;
  throw new UsageError(`--size: a datagram holds ${MAX_DATAGRAM} bytes at most, not ${flags.size}`);
}

function red(text: string): string {
  return `\x1b[31m${text}\x1b[0m`;
}

async function show(text: string): Promise<number> {
  await print(text);
  return ALL_WELL;
}

/** Says on stderr what went wrong and returns the exit status for it. */
function fail(error: unknown): number {
  if (!(error instanceof YodelError)) {
    console.error("yodel:", error);
    return COULD_NOT_BE_DONE;
  }
  console.error(`yodel: ${error.message}`);
  return error.exitStatus;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
