// `yodel serve`.
import { pause } from "../../async/pause.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { serveMetrics } from "../../metrics/metrics.ts";
import { watchServer } from "../../metrics/watch.ts";
import { serve } from "../../server.ts";
import { MAX_SEED } from "../../server/fault_plan.ts";
import { faults } from "../../server/faults/faults.ts";
import { LOG_DATA_FORMS, LOG_LEVELS } from "../../server/log.ts";
import { SERVE_DEFAULTS } from "../../server/plan.ts";
import { command } from "../command.ts";
import { ALL_WELL } from "../exit.ts";
import {
  choice,
  count,
  duration,
  fileMode,
  type Kind,
  network,
  probability,
} from "../../values/kinds.ts";
import { metricsFlag } from "../metrics_flag.ts";
import { createLog, LOG_DEFAULTS, LOG_FORMATS } from "../log.ts";
import { checkWritable, replaceFile } from "../replace_file.ts";
import { adviceForOthers, atTerminal } from "../serve_at_terminal.ts";
import { stopOnSignal } from "../signals.ts";
import { print } from "../stdio.ts";
import { serverTls, serverTlsFlags } from "../tls_flags.ts";

/** What is wrong with a fault, the server says. */
const faultKind: Kind<string> = {
  placeholder: "NAME[=VALUE][@P]",
  choices: faults.flatMap(({ name, value }) =>
    value === undefined ? name : (value.choices ?? [""]).map((choice) => `${name}=${choice}`)
  ),
  expected: "a fault such as delay=20ms",
  parse: String,
};

/** How many threads; `auto` is for as many as the system gives this program cores. */
const threads: Kind<number> = {
  placeholder: "N",
  choices: ["auto"],
  expected: "a number of threads from 1 to 256, or auto",
  parse: (text) => text === "auto" ? navigator.hardwareConcurrency : count(1, 256).parse(text),
};

/** How long the last lines of the log may take, in milliseconds. */
const LAST_LINES = 1000;

export const serveCommand = command({
  summary: "Send back what every connection brings",
  example: "yodel serve 9000 unix:/tmp/echo.sock --idle-timeout 5m",
  operands: "endpoints",
  flags: {
    "idle-timeout": {
      group: "Limits",
      kind: duration,
      default: SERVE_DEFAULTS.idleTimeout,
      help: "close connections that are idle; 0: never",
      only: ["tcp", "tls", "unix"],
    },
    "backlog": {
      group: "Limits",
      kind: count(1),
      default: SERVE_DEFAULTS.backlog,
      help: "how many may wait to be accepted",
      only: ["tcp", "tls"],
    },
    "max-connections": {
      group: "Limits",
      kind: count(0),
      default: SERVE_DEFAULTS.maxConnections,
      help: "connections at once, more wait; 0: no limit",
      only: ["tcp", "tls", "unix"],
    },
    "max-per-client": {
      group: "Limits",
      kind: count(0),
      default: SERVE_DEFAULTS.maxPerClient,
      help: "connections of one address; 0: no limit",
      only: ["tcp", "tls"],
    },
    "udp-rate": {
      group: "Limits",
      kind: count(0),
      default: SERVE_DEFAULTS.udpRate,
      help: "datagrams a second for one address; 0: no limit",
      only: ["udp"],
    },
    "workers": {
      group: "Limits",
      kind: threads,
      default: SERVE_DEFAULTS.workers,
      help: "threads (Linux); auto: one a core",
      only: ["tcp", "tls"],
    },
    "drain": {
      group: "Limits",
      kind: duration,
      default: SERVE_DEFAULTS.drain,
      help: "time to finish after a signal; 0: no limit",
      only: ["tcp", "tls", "unix"],
    },
    ...serverTlsFlags,
    "socket-mode": {
      group: "Limits",
      kind: fileMode,
      default: SERVE_DEFAULTS.socketMode,
      help: "permissions of Unix socket files",
      only: ["unix"],
    },
    "allow": {
      group: "Access",
      kind: network,
      many: true,
      help: "serve these addresses, no others",
      only: ["tcp", "tls", "udp"],
    },
    "deny": {
      group: "Access",
      kind: network,
      many: true,
      help: "never serve these addresses",
      only: ["tcp", "tls", "udp"],
    },
    "fault": {
      group: "Faults",
      kind: faultKind,
      many: true,
      help: "misbehave, see yodel help faults",
    },
    "fault-share": {
      group: "Faults",
      kind: probability,
      default: SERVE_DEFAULTS.faultShare,
      help: "share of the connections that get faults",
    },
    "seed": {
      group: "Faults",
      kind: count(0, MAX_SEED),
      help: "one seed makes the same faults at each start",
    },
    "log-level": {
      group: "Log",
      kind: choice(LOG_LEVELS),
      default: LOG_DEFAULTS.level,
      help: "log this level and those after it",
    },
    "log-format": {
      group: "Log",
      kind: choice(LOG_FORMATS),
      default: LOG_DEFAULTS.format,
      help: "for people or for programs",
    },
    "log-data": {
      group: "Log",
      kind: choice(LOG_DATA_FORMS),
      default: SERVE_DEFAULTS.logData,
      help: "log the bytes that each read brought",
    },
    ...metricsFlag,
  },
  async run({ flags, endpoints }, { exit, version }) {
    const log = createLog(flags["log-level"], flags["log-format"]);
    const file = flags["write-ca"];
    // What would end the server later is found out before it listens.
    if (file !== undefined) await checkWritable("write-ca", file);
    let isUp = () => false;
    await using metrics = await serveMetrics(flags["metrics"], version, () => isUp());
    await using server = await serve(endpoints, {
      tls: await serverTls(flags),
      faults: flags["fault"],
      faultShare: flags["fault-share"],
      seed: flags["seed"],
      idleTimeout: flags["idle-timeout"],
      backlog: flags["backlog"],
      socketMode: flags["socket-mode"],
      maxConnections: flags["max-connections"],
      maxPerClient: flags["max-per-client"],
      udpRate: flags["udp-rate"],
      workers: flags["workers"],
      allow: flags["allow"],
      deny: flags["deny"],
      drain: flags["drain"],
      log: log.onTerminal ? atTerminal(log, flags["drain"] ?? SERVE_DEFAULTS.drain) : log,
      logData: flags["log-data"],
      signal: stopOnSignal(exit),
    });
    // Only now: a server that cannot listen leaves the file of another as it is.
    const { certificate } = server;
    if (certificate !== undefined) {
      const { names, ca } = certificate;
      if (file !== undefined) await replaceFile("write-ca", file, ca);
      log.warn?.("made a throw-away certificate", {
        names,
        ca: file ?? "not written, see --write-ca",
      });
    }
    isUp = () => server.accepting;
    if (metrics !== undefined) {
      watchServer(metrics, server);
      log.info?.("metrics", { urls: metrics.urls });
    }
    // On one terminal, what the log has said so far stands before the endpoints.
    if (log.onTerminal && Deno.stdout.isTerminal()) await log.written();
    await print(server.endpoints.map((endpoint) => formatEndpoint(endpoint) + "\n").join(""));
    const advice = log.onTerminal ? adviceForOthers(server.endpoints) : undefined;
    if (advice !== undefined) log.info?.(advice);
    await server.finished;
    await Promise.race([log.written(), pause(LAST_LINES)]);
    return ALL_WELL;
  },
});
