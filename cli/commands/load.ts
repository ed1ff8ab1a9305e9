import { load, type LoadResult } from "../../client.ts";
import { LOAD_DEFAULTS, planLoad } from "../../client/load/plan.ts";
import { addProgress, failedPercent, totalErrors } from "../../client/load/result.ts";
import { EndpointError } from "../../net/endpoint.ts";
import { perSecond } from "../../report/figures.ts";
import { failedLoadJson, loadJson } from "../../report/load_json.ts";
import { loadText, progressText } from "../../report/load_text.ts";
import { optionsOf } from "../../values/settings.ts";
import { command, flag, group } from "../command.ts";
import { STREAMS } from "../../net/transports.ts";
import { ECHO_FAILED, stopOnSignal, SUCCESS } from "../exit.ts";
import {
  cores,
  count,
  duration,
  fileOrStdin,
  messageSize,
  rate,
  toggle,
} from "../../values/value_types.ts";
import { fitted, print, StatusLine } from "../stdio.ts";
import { keepsLimits, lowerLimit, upperLimit } from "../thresholds.ts";
import { mergeLoads } from "../merge_loads.ts";
import { clientFlags, dialOptions } from "../client_flags.ts";

/** How a result is printed. */
const FORMATS = {
  json: async (result: LoadResult, version: string) =>
    JSON.stringify(await loadJson(result, version)) + "\n",
  text: (result: LoadResult) => fitted(loadText(result), " ".repeat(12)),
};

export const loadCommand = command({
  summary: "Send messages over many connections, verify each",
  example: "yodel load localhost:2222 -c 100 -d 10s",
  operands: "[ENDPOINT]",
  common: ["connections", "duration", "messages", "size", "rate", "at-most", "json", "wait"],
  defaults: LOAD_DEFAULTS,
  flags: {
    ...group("Load", {
      "connections": flag(count(1, 1_000_000), "connections at once; udp: sockets", { short: "c" }),
      "duration": flag(duration, "time to send, unless -n; 0: until Ctrl-C", {
        short: "d",
      }),
      "messages": flag(count(0), "messages to send; 0: until the time is over", { short: "n" }),
      "size": flag(messageSize, "bytes a message", { short: "s" }),
      "pipeline": flag(count(1, 65_536), "messages under way on each connection"),
      "rate": flag(rate, "messages a second in all; 0: at each answer", { short: "r" }),
      "warm-up": flag(duration, "send for so long before counting"),
      "reconnect": flag(toggle, "open a connection for each message", { only: STREAMS }),
      "workers": flag(cores(), "threads that send; auto: one a core"),
      "timeout": flag(duration, "time to connect, or to get a byte; udp: 1s"),
    }),
    ...group("Checks", {
      "at-most": flag(upperLimit, "status 1 if more, such as p99=5ms or loss=1%", { many: true }),
      "at-least": flag(lowerLimit, "status 1 if less, such as rate=50k", { many: true }),
    }),
    ...group("Output", {
      "json": flag(toggle, "print one JSON object"),
      "merge": flag(fileOrStdin, "add up what --json printed, in FILE ...; -: stdin", {
        many: true,
        takesAll: ["Checks", "Output"],
      }),
    }),
    ...clientFlags,
  },
  foreign: {
    "-z --time": "use -d DURATION",
    "-t": "use -d DURATION, or --workers N for threads",
    "-q --qps": "use -r N",
    "--concurrency --clients": "use -c N",
    "--requests": "use -n N",
    "--threads": "use --workers N",
    "--verify": "load always verifies",
  },
  async run({ flags, endpoints: [endpoint] }, { exit, version }) {
    if (flags.merge.length > 0) return await finish(await mergeLoads(flags.merge));
    const plan = planLoad(endpoint, flags);
    const signal = stopOnSignal(exit);
    const progress = Deno.stderr.isTerminal() ? new StatusLine() : undefined;
    let last = addProgress();
    let result: LoadResult;
    try {
      result = await load(endpoint, {
        ...optionsOf(flags, LOAD_DEFAULTS),
        ...await dialOptions(flags),
        signal,
        onProgress(now) {
          progress?.show(progressText(plan, now, last));
          last = now;
        },
      });
    } catch (error) {
      if (flags.json && error instanceof EndpointError) {
        await print(JSON.stringify(failedLoadJson(plan, version, error.message)) + "\n");
      }
      throw error;
    } finally {
      await progress?.clear();
    }
    return await finish(result, signal);

    async function finish(result: LoadResult, signal?: AbortSignal): Promise<number> {
      await print(await (flags.json ? FORMATS.json : FORMATS.text)(result, version));
      const { messages, elapsed, errors } = result;
      const all = totalErrors(result);
      if (messages.right === 0 && signal?.aborted && all === 0) return signal.reason;
      const rate = perSecond(messages.right, elapsed);
      const figures = { ...result, rate, loss: failedPercent(result) };
      const isGood = keepsLimits(figures, [...flags.atMost, ...flags.atLeast]);
      const allowsLoss = flags.atMost.some(({ figure }) => figure === "loss");
      const wrong = errors.corrupted + errors.repeated + errors.unexpected;
      // Whether a signal ended a merged load is not known.
      const isEnded = messages.waiting === 0 || (signal?.aborted ?? messages.right > 0);
      const isRight = (allowsLoss ? wrong : all) === 0 && isEnded;
      return isGood && isRight ? SUCCESS : ECHO_FAILED;
    }
  },
});
