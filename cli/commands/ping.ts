import { ping, type ProbeResult } from "../../client.ts";
import { PING_DEFAULTS } from "../../client/ping.ts";
import { isAllRight } from "../../client/ping_result.ts";
import { serveMetrics } from "../../metrics/metrics.ts";
import { watchPing } from "../../metrics/watch.ts";
import { EndpointError } from "../../net/endpoint.ts";
import type { LogFields } from "../../server.ts";
import { probeJson, summaryJson } from "../../report/ping_json.ts";
import { probeText, startText, summaryText } from "../../report/ping_text.ts";
import { optionsOf } from "../../values/settings.ts";
import { command, flag, group } from "../command.ts";
import { STREAMS } from "../../net/transports.ts";
import { ECHO_FAILED, stopOnSignal, SUCCESS } from "../exit.ts";
import { count, duration, messageSize, toggle } from "../../values/value_types.ts";
import { fitted, LinePrinter, printError } from "../stdio.ts";
import { keepsLimits, upperLimit } from "../thresholds.ts";
import { metricsFlag } from "../metrics_flag.ts";
import { clientFlags, dialOptions } from "../client_flags.ts";

export const pingCommand = command({
  summary: "Measure round trips, one probe after another",
  example: "yodel ping localhost:2222 -c 5",
  operands: "[ENDPOINT]",
  common: ["count", "interval", "size", "timeout", "at-most", "quiet", "json", "wait", "insecure"],
  defaults: PING_DEFAULTS,
  flags: {
    ...group("Probes", {
      "count": flag(count(0), "probes to send; 0: until Ctrl-C", { short: "c" }),
      "interval": flag(duration, "time between probes; 0: send at each answer", { short: "i" }),
      "size": flag(messageSize, "bytes a probe", { short: "s" }),
      "timeout": flag(duration, "time to connect, and to answer; 0: no limit", { short: "W" }),
      "deadline": flag(duration, "end after this time; 0: never", { short: "w" }),
      "reconnect": flag(toggle, "open a connection for each probe", { only: STREAMS }),
    }),
    ...group("Checks", {
      "at-most": flag(upperLimit, "status 1 if more, such as p99=5ms or loss=1%", { many: true }),
    }),
    ...group("Output", {
      "quiet": flag(toggle, "print the summary only", { short: "q" }),
      "json": flag(toggle, "print JSON, an object a line"),
    }),
    ...metricsFlag,
    ...clientFlags,
  },
  foreign: { "-n": "use -c N", "--verify": "ping always verifies" },
  async run({ flags, endpoints: [endpoint] }, { exit, version }) {
    const signalled = stopOnSignal(exit);
    const lines = new LinePrinter();
    const { size = PING_DEFAULTS.size, quiet, json, atMost } = flags;
    const log = {
      warn: (what: string, { error }: LogFields = {}) =>
        printError(`yodel: ${error === undefined ? what : `metrics: ${what}: ${error}`}`),
    };
    await using metrics = flags.metrics &&
      await serveMetrics(flags.metrics, version, () => true, log);
    const count = metrics && watchPing(metrics);
    if (metrics !== undefined) printError(`yodel: metrics at ${metrics.urls.join(" ")}`);
    let isStarted = false;
    const summary = await ping(endpoint, {
      ...optionsOf(flags, PING_DEFAULTS),
      ...await dialOptions(flags),
      signal: AbortSignal.any([signalled, lines.unread]),
      onResult(result) {
        count?.(result);
        if (quiet) return;
        if (!json && !isStarted) lines.print(startText(endpoint, result.address, size));
        isStarted = true;
        return lines.print(lineOf(result));
      },
    });
    // After the ^C of the terminal.
    if (signalled.aborted && Deno.stderr.isTerminal()) printError("");
    if (json) lines.print(JSON.stringify(summaryJson(summary, new Date())));
    else lines.print(fitted(summaryText(summary)));
    await lines.finish();
    if (summary.sent === 0 && summary.unsent > 0) {
      throw new EndpointError("cannot connect to", endpoint, summary.lastError);
    }
    if (summary.sent === 0 && signalled.aborted) return signalled.reason;
    const isGood = keepsLimits({ ...summary, loss: summary.lostPercent }, atMost);
    const isRight = isAllRight(summary, atMost.some(({ figure }) => figure === "loss"));
    return isGood && isRight ? SUCCESS : ECHO_FAILED;

    function lineOf(result: ProbeResult): string {
      if (json) return JSON.stringify(probeJson(result, new Date()));
      const line = fitted(probeText(endpoint, result));
      const isRed = result.outcome !== "right" && Deno.stdout.isTerminal() && !Deno.noColor;
      return isRed ? `\x1b[31m${line}\x1b[0m` : line;
    }
  },
});
