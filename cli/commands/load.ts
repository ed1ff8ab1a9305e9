// `yodel load`.
import { load, type LoadResult } from "../../client.ts";
import { LOAD_DEFAULTS, type LoadSettings, planLoad } from "../../client/load/plan.ts";
import { addProgress, totalErrors } from "../../client/load/result.ts";
import { serveMetrics } from "../../metrics/metrics.ts";
import { watchLoad } from "../../metrics/watch.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { perSecond } from "../../report/figures.ts";
import { failedLoadJson, loadJson } from "../../report/load_json.ts";
import { loadText, progressText } from "../../report/load_text.ts";
import { command } from "../command.ts";
import { ALL_WELL, ANSWER_WAS_NO } from "../exit.ts";
import { count, duration, file, MAX_MESSAGE, rate, size, toggle } from "../../values/kinds.ts";
import { checkWritable, replaceFile } from "../replace_file.ts";
import { stopOnSignal } from "../signals.ts";
import { columns, print, say, StatusLine } from "../stdio.ts";
import { keepsLimits, latencyLimit, rateLimit, refuseConnects } from "../limits.ts";
import { metricsFlag } from "../metrics_flag.ts";
import { mergeLoads } from "../merge_loads.ts";
import { reach, reachFlags } from "../reach_flags.ts";

const flags = {
  "connections": {
    group: "Load",
    kind: count(1, 1_000_000),
    default: LOAD_DEFAULTS.connections,
    help: "connections at once; udp: sockets",
    short: "c",
  },
  "duration": {
    group: "Load",
    kind: duration,
    default: LOAD_DEFAULTS.duration,
    help: "time to send; 0: until Ctrl-C; -n: no limit",
    short: "d",
  },
  "messages": {
    group: "Load",
    kind: count(0),
    default: LOAD_DEFAULTS.messages,
    help: "messages to send; 0: until the time is over",
    short: "n",
  },
  "size": {
    group: "Load",
    kind: size(1, MAX_MESSAGE),
    default: LOAD_DEFAULTS.size,
    help: "bytes a message",
    short: "s",
  },
  "pipeline": {
    group: "Load",
    kind: count(1, 65_536),
    default: LOAD_DEFAULTS.pipeline,
    help: "messages under way on each connection",
  },
  "rate": {
    group: "Load",
    kind: rate,
    default: LOAD_DEFAULTS.rate,
    help: "messages a second in all; 0: at each answer",
    short: "r",
  },
  "warm-up": {
    group: "Load",
    kind: duration,
    default: LOAD_DEFAULTS.warmUp,
    help: "send for so long before counting",
  },
  "connect-rate": {
    group: "Load",
    kind: rate,
    default: LOAD_DEFAULTS.connectRate,
    help: "connections opened a second; 0: no limit",
    only: ["tcp", "tls", "unix"],
  },
  "reconnect": {
    group: "Load",
    kind: toggle,
    help: "open a connection for each message",
    only: ["tcp", "tls", "unix"],
  },
  "workers": {
    group: "Load",
    kind: count(1, 256),
    default: LOAD_DEFAULTS.workers,
    help: "threads that send; each wants a core",
  },
  "timeout": {
    group: "Load",
    kind: duration,
    default: LOAD_DEFAULTS.timeout,
    help: "time to connect, or to get a byte; udp: 1s",
  },
  "at-most": {
    group: "Checks",
    kind: latencyLimit,
    help: "status 1 where more: min, mean, max, p50 to p99.99, connect-p99",
    many: true,
  },
  "at-least": {
    group: "Checks",
    kind: rateLimit,
    help: "status 1 where less: rate",
    many: true,
  },
  "json": { group: "Output", kind: toggle, help: "print one JSON object" },
  "histogram": { group: "Output", kind: file, help: "write latencies as an HdrHistogram log" },
  "merge": {
    group: "Output",
    kind: file,
    help: "add up what --json printed, in FILE ...",
    many: true,
    takesAll: ["Checks", "Output"],
  },
  ...metricsFlag,
  ...reachFlags,
} as const;

export const loadCommand = command({
  summary: "Send messages over many connections, verify each",
  example: "yodel load localhost:2222 -c 100 -d 10s",
  operands: "endpoint",
  flags,
  foreign: {
    "-z": "use -d DURATION",
    "-t": "use -d DURATION, or --workers N for threads",
    "--time": "use -d DURATION",
    "-q": "use -r N",
    "--qps": "use -r N",
    "--concurrency": "use -c N",
    "--clients": "use -c N",
    "--requests": "use -n N",
    "--threads": "use --workers N",
  },
  async run({ flags, endpoints: [endpoint] }, { exit, version }) {
    const { json, histogram, merge: files } = flags;
    // Before the load, for which one may have waited for hours.
    if (histogram !== undefined) await checkWritable("histogram", histogram);
    if (files.length > 0) return await tell(await mergeLoads(files, version));
    if (endpoint.scheme === "udp") {
      refuseConnects(flags["at-most"], "a tcp://, tls:// or unix: endpoint");
    }
    // The others have the names of the settings.
    const settings: LoadSettings = {
      ...flags,
      warmUp: flags["warm-up"],
      connectRate: flags["connect-rate"],
    };
    const plan = planLoad(endpoint, settings);
    const signal = stopOnSignal(exit);
    const progress = Deno.stderr.isTerminal() ? new StatusLine() : undefined;
    let last = addProgress();
    await using metrics = await serveMetrics(flags["metrics"], version, () => true);
    if (metrics !== undefined) {
      watchLoad(metrics, () => last);
      say(`yodel: metrics at ${metrics.urls.join(" ")}`);
    }
    let result: LoadResult;
    try {
      result = await load(endpoint, {
        ...settings,
        ...await reach(flags),
        signal,
        onProgress(now) {
          progress?.show(progressText(plan, now, last));
          last = now;
        },
      });
    } catch (error) {
      if (json && error instanceof EndpointError) {
        await print(JSON.stringify(failedLoadJson(plan, version, error.message)) + "\n");
      }
      throw error;
    } finally {
      await progress?.clear();
    }
    return await tell(result, signal);

    /** Prints a result, says whether it is good, and returns the status. */
    async function tell(result: LoadResult, signal?: AbortSignal): Promise<number> {
      await print(
        json ? JSON.stringify(await loadJson(result, version)) + "\n" : loadText(result, columns()),
      );
      const { messages, elapsed, latencies, started, plan: { timeout } } = result;
      if (histogram !== undefined) {
        await replaceFile("histogram", histogram, await latencies.log(started, elapsed));
      }
      const errors = totalErrors(result);
      if (messages.right === 0 && signal?.aborted && errors === 0) return signal.reason;
      const figures = { ...result, rate: perSecond(messages.right, elapsed) };
      const isGood = keepsLimits(figures, flags["at-most"], flags["at-least"]);
      // Where there is a timeout, messages wait at the end for a signal only.
      const isComplete = errors === 0 && (messages.waiting === 0 || timeout > 0 || signal?.aborted);
      return isGood && isComplete ? ALL_WELL : ANSWER_WAS_NO;
    }
  },
});
