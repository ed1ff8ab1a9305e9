import { pause } from "../../async/pause.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import { serveMetrics } from "../../metrics/metrics.ts";
import { watchServer } from "../../metrics/watch.ts";
import { serve, type Server } from "../../server.ts";
import { MAX_SEED } from "../../server/injection/plan.ts";
import { faults } from "../../server/faults/list.ts";
import { LOG_DATA_FORMS, LOG_LEVELS } from "../../server/log.ts";
import { SERVE_DEFAULTS } from "../../server/plan.ts";
import { optionsOf } from "../../values/settings.ts";
import { command, flag, group } from "../command.ts";
import { IP_SCHEMES, STREAMS } from "../../net/transports.ts";
import { stopOnSignal, SUCCESS } from "../exit.ts";
import {
  choice,
  cores,
  count,
  duration,
  file,
  fileMode,
  host,
  network,
  type ValueType,
} from "../../values/value_types.ts";
import { address, metricsFlag } from "../metrics_flag.ts";
import { createLog, LOG_DEFAULTS, LOG_FORMATS } from "../log.ts";
import { readIdentity, readPem, replaceFile } from "../files.ts";
import { print } from "../stdio.ts";
import { YodelError } from "../../errors/yodel_error.ts";

/** Any text: the server validates faults. */
const faultType: ValueType<string> = {
  placeholder: "NAME[=VALUE][@P]",
  choices: faults.flatMap(({ name, value, usual }) =>
    value === undefined || usual !== undefined
      ? name
      : (value.choices ?? [""]).map((choice) => `${name}=${choice}`)
  ),
  expected: "a fault such as delay=20ms",
  parse: String,
};

const PORTS = STREAMS.filter((scheme) => IP_SCHEMES.includes(scheme));

/** `auto` is 1 on systems where threads cannot share a port. */
const threads = cores(Deno.build.os === "linux" ? undefined : () => 1);

/** How long to wait for the last lines of the log, in milliseconds. */
const LAST_LINES = 1000;

export const serveCommand = command({
  summary: "Send back what every connection brings",
  example: "yodel serve 9000 unix:/tmp/echo.sock --idle-timeout 5m",
  operands: "[ENDPOINT ...]",
  common: ["idle-timeout", "max-connections", "cert", "key", "fault", "log-level", "metrics"],
  defaults: { ...SERVE_DEFAULTS, ...LOG_DEFAULTS },
  flags: {
    ...group("Limits", {
      "idle-timeout": flag(duration, "close idle connections; 0: never", { only: STREAMS }),
      "max-connections": flag(count(0), "connections at once; more wait", { only: STREAMS }),
      "max-per-client": flag(count(0), "connections of one address", { only: PORTS }),
      "udp-rate": flag(count(0), "datagrams a second for one address", { only: ["udp"] }),
      "workers": flag(threads, "threads (Linux); auto: one a core", { only: PORTS }),
      "drain": flag(duration, "time to finish after a signal", { only: STREAMS }),
      "socket-mode": flag(fileMode, "permissions of Unix socket files", { only: ["unix"] }),
    }),
    ...group("TLS", {
      "cert": flag(file, "certificate, PEM; without it, one is made"),
      "key": flag(file, "key of the certificate, PEM"),
      "client-ca": flag(file, "refuse clients that this CA has not signed"),
      "write-ca": flag(file, "write the CA of a certificate that is made, PEM"),
      "cert-name": flag(host, "one more name in a certificate that is made", { many: true }),
    }, ["tls"]),
    ...group("Access", {
      "allow": flag(network, "serve these addresses, no others", { many: true }),
      "deny": flag(network, "never serve these addresses", { many: true }),
    }, IP_SCHEMES),
    ...group("Faults", {
      "fault": flag(faultType, "misbehave, see yodel help faults", { many: true }),
      "control": flag(address, "HTTP to change faults, with the pages of --metrics"),
      "seed": flag(count(0, MAX_SEED), "one seed makes the same faults at each start"),
    }),
    ...group("Log", {
      "log-level": flag(choice(LOG_LEVELS), "log this level and those after it"),
      "log-format": flag(choice(LOG_FORMATS), "for people or for programs"),
      "log-data": flag(choice(LOG_DATA_FORMS), "log the bytes that each read brought"),
    }),
    ...metricsFlag,
  },
  foreign: {
    "-c": "use --max-connections N",
    "-q --quiet": "use --log-level error",
    "-v --verbose": "use --log-level debug",
  },
  async run({ flags, endpoints }, { exit, version }) {
    const { control, metrics: at = control, writeCa, certName } = flags;
    if (control !== undefined && flags.metrics !== undefined) {
      throw new YodelError("--metrics cannot be used with --control, which serves the same pages");
    }
    const identity = await readIdentity(flags);
    if (identity && (writeCa || certName.length > 0)) {
      throw new YodelError("--write-ca and --cert-name cannot be used with --cert");
    }
    const clientCa = await readPem("client-ca", flags.clientCa, "certificate");
    // Before it listens: errors of this check end the server.
    if (writeCa !== undefined) await replaceFile("write-ca", writeCa);
    const log = createLog(flags.logLevel, flags.logFormat);
    const running: { server?: Server } = {};
    const isUp = () => running.server?.accepting ?? false;
    const controlled = control && (() => running.server);
    await using metrics = at && await serveMetrics(at, version, isUp, log, controlled);
    await using server = await serve(endpoints, {
      ...optionsOf(flags, SERVE_DEFAULTS),
      allow: flags.allow,
      deny: flags.deny,
      seed: flags.seed,
      tls: { ...identity, clientCa, names: certName },
      faults: flags.fault,
      resettable: control !== undefined && (flags.workers ?? 1) === 1,
      log,
      signal: stopOnSignal(exit),
    });
    // Only now: a server that cannot listen must not replace the file of another.
    const { certificate } = server;
    if (certificate !== undefined) {
      const { names, ca } = certificate;
      if (writeCa !== undefined) await replaceFile("write-ca", writeCa, ca);
      log.warn?.("made a throw-away certificate", {
        names,
        ca: writeCa ?? "not written, see --write-ca",
      });
    }
    running.server = server;
    if (metrics !== undefined) {
      watchServer(metrics, server);
      log.info?.(control === undefined ? "metrics" : "control", { urls: metrics.urls });
    }
    await print(server.endpoints.map((endpoint) => formatEndpoint(endpoint) + "\n").join(""));
    if (Deno.stderr.isTerminal() && server.endpoints.every(isLoopback)) {
      log.info?.("on loopback only; use '*:PORT' to accept other machines");
    }
    await server.finished;
    await Promise.race([log.written(), pause(LAST_LINES)]);
    return SUCCESS;
  },
});

function isLoopback(endpoint: Endpoint): boolean {
  return "host" in endpoint && (endpoint.host === "::1" || endpoint.host.startsWith("127."));
}
