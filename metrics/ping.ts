/**
 * The metrics of a ping.
 *
 * @module
 */
import type { ProbeResult } from "../client.ts";
import type { Metrics } from "./metrics.ts";

const OUTCOMES = ["right", "late", "altered", "lost", "repeated", "unsent"] as const;

/** Makes the metrics of a ping; what is returned counts what became of a probe. */
export function watchPing(metrics: Metrics): (result: ProbeResult) => void {
  const results = metrics.counter(
    "yodel_probe_results_total",
    "What became of probes; one that comes late was lost before",
    ["outcome"],
  );
  // What is there from the beginning can be seen to rise.
  for (const outcome of OUTCOMES) results.inc({ outcome }, 0);
  const times = metrics.histogram(
    "yodel_probe_round_trip_seconds",
    "Round trips of probes that came back unaltered",
  );
  return ({ outcome, time }) => {
    results.inc({ outcome });
    if (time !== undefined && (outcome === "right" || outcome === "late")) {
      times.observe(time / 1000);
    }
  };
}
