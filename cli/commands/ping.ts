// `yodel ping`.
import { ping, type PingSummary, type ProbeResult } from "../../client.ts";
import { PING_DEFAULTS } from "../../client/ping.ts";
import { isAllRight } from "../../client/ping_result.ts";
import { serveMetrics } from "../../metrics/metrics.ts";
import { watchPing } from "../../metrics/watch.ts";
import { EndpointError, formatEndpoint } from "../../net/endpoint.ts";
import { probeJson, summaryJson } from "../../report/ping_json.ts";
import { probeText, startText, summaryText } from "../../report/ping_text.ts";
import { command } from "../command.ts";
import { ALL_WELL, ANSWER_WAS_NO } from "../exit.ts";
import { count, duration, MAX_MESSAGE, size, toggle } from "../../values/kinds.ts";
import { stopOnSignal } from "../signals.ts";
import { LinePrinter, say } from "../stdio.ts";
import { formatClock } from "../../report/units.ts";
import { keepsLimits, probeLimit, refuseConnects } from "../limits.ts";
import { metricsFlag } from "../metrics_flag.ts";
import { reach, reachFlags } from "../reach_flags.ts";

export const pingCommand = command({
  summary: "Measure round trips, one probe after another",
  example: "yodel ping localhost:2222 -c 5",
  operands: "endpoint",
  flags: {
    "count": {
      group: "Probes",
      kind: count(0),
      default: PING_DEFAULTS.count,
      help: "probes to send; 0: until Ctrl-C",
      short: "c",
    },
    "interval": {
      group: "Probes",
      kind: duration,
      default: PING_DEFAULTS.interval,
      help: "time between probes; 0: send at each answer",
      short: "i",
    },
    "size": {
      group: "Probes",
      kind: size(1, MAX_MESSAGE),
      default: PING_DEFAULTS.size,
      help: "bytes a probe",
      short: "s",
    },
    "timeout": {
      group: "Probes",
      kind: duration,
      default: PING_DEFAULTS.timeout,
      help: "time to connect, and to answer; 0: no limit",
      short: "W",
    },
    "deadline": {
      group: "Probes",
      kind: duration,
      default: PING_DEFAULTS.deadline,
      help: "end after this time; 0: never",
      short: "w",
    },
    "reconnect": {
      group: "Probes",
      kind: toggle,
      help: "open a connection for each probe",
      only: ["tcp", "tls", "unix"],
    },
    "at-most": {
      group: "Checks",
      kind: probeLimit,
      help: "status 1 where more: min, mean, max, p50 to p99.99, connect-p99, loss",
      many: true,
    },
    "timestamps": {
      group: "Output",
      kind: toggle,
      help: "the time of day before each probe",
      short: "D",
    },
    "quiet": { group: "Output", kind: toggle, help: "print the summary only", short: "q" },
    "json": { group: "Output", kind: toggle, help: "print JSON, an object a line" },
    ...metricsFlag,
    ...reachFlags,
  },
  async run({ flags, endpoints: [endpoint] }, { exit, version }) {
    if (!flags["reconnect"]) refuseConnects(flags["at-most"], "--reconnect");
    const signalled = stopOnSignal(exit);
    const lines = new LinePrinter();
    const { size = PING_DEFAULTS.size, timestamps, quiet } = flags;
    const { probe, end } = flags["json"] ? json : text(Deno.stdout.isTerminal() && !Deno.noColor);
    let unsent: string | undefined;
    await using metrics = await serveMetrics(flags["metrics"], version, () => true);
    const count = metrics && watchPing(metrics);
    if (metrics !== undefined) say(`yodel: metrics at ${metrics.urls.join(" ")}`);
    const summary = await ping(endpoint, {
      count: flags["count"],
      interval: flags["interval"],
      size: flags["size"],
      timeout: flags["timeout"],
      deadline: flags["deadline"],
      reconnect: flags["reconnect"],
      ...await reach(flags),
      signal: AbortSignal.any([signalled, lines.unread]),
      onLoss: (what) => say(`yodel: ${formatEndpoint(endpoint)}: ${what}`),
      onStart(address) {
        if (!quiet && !flags["json"]) lines.print(startText(endpoint, address, size));
      },
      onResult(result) {
        count?.(result);
        if (result.outcome === "unsent") unsent ??= result.error;
        return quiet ? undefined : lines.print(probe(result));
      },
    });
    // The terminal has shown the Ctrl-C at the beginning of the line.
    if (signalled.aborted && Deno.stderr.isTerminal()) say("");
    lines.print(end(summary));
    await lines.finish();
    if (summary.sent === 0 && unsent !== undefined) {
      throw new EndpointError("cannot connect to", endpoint, unsent);
    }
    if (summary.sent === 0 && signalled.aborted) return signalled.reason;
    const limits = flags["at-most"];
    const isGood = keepsLimits({ ...summary, loss: summary.lostPercent }, limits);
    const isRight = isAllRight(summary, limits.some(({ figure }) => figure === "loss"));
    return isGood && isRight ? ALL_WELL : ANSWER_WAS_NO;

    function text(colour: boolean) {
      return {
        probe(result: ProbeResult): string {
          const time = timestamps ? `${formatClock(result.at)} ` : "";
          const line = time + probeText(endpoint, result);
          return colour && result.outcome !== "right" ? `\x1b[31m${line}\x1b[0m` : line;
        },
        end: summaryText,
      };
    }
  },
});

const json = {
  probe: (result: ProbeResult) => JSON.stringify(probeJson(result)),
  end: (summary: PingSummary) => JSON.stringify(summaryJson(summary, new Date())),
};
