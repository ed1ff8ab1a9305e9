// The metrics of servers and of ping.
import type { ProbeResult } from "../client.ts";
import type { Server, ServerCounts } from "../server.ts";
import type { Metrics, Sample } from "./metrics.ts";

const METRICS = {
  yodel_connections_open: "Connections that are open",
  yodel_connections_opened_total: "Connections that were opened",
  yodel_connections_closed_total: "Connections that ended, by why",
  yodel_received_bytes_total: "Bytes that connections brought",
  yodel_sent_bytes_total: "Bytes that were sent back on connections",
  yodel_connections_refused_total: "Connections that were closed at once",
  yodel_connections_full_total: "How often all places for connections were taken",
  yodel_datagrams_answered_total: "Datagrams that were answered",
  yodel_datagrams_unanswered_total: "Datagrams that were not answered",
  yodel_faults_injected_total: "How often each fault was injected",
} as const;

export function watchServer(metrics: Metrics, server: Server): void {
  // All metrics of a scrape share one request of the counts, which asks the threads.
  let asking: Promise<ReturnType<typeof samplesOf>> | undefined;
  const ask = () => asking ??= server.counts().then(samplesOf).finally(() => asking = undefined);
  for (const name of Object.keys(METRICS) as (keyof typeof METRICS)[]) {
    metrics.watch(name, METRICS[name], async () => (await ask())[name]);
  }
}

function samplesOf(counts: ServerCounts): Record<keyof typeof METRICS, Sample[]> {
  const { connections, full, answered, unanswered, refused, faults } = counts;
  const refusals = (what: string) =>
    ["denied", "over_limit"].map((why): Sample => [refused[what + why] ?? 0, { reason: why }]);
  return {
    yodel_connections_open: by("transport", connections, ({ states }) => states.open),
    yodel_connections_opened_total: by(
      "transport",
      connections,
      ({ states }) => Object.values(states).reduce((sum, count) => sum + count),
    ),
    yodel_connections_closed_total: Object.entries(connections).flatMap(
      ([transport, { states: { open: _, ...ended } }]) =>
        by("ending", ended).map(([figure, label]): Sample => [figure, { transport, ...label }]),
    ),
    yodel_received_bytes_total: by("transport", connections, ({ received }) => received),
    yodel_sent_bytes_total: by("transport", connections, ({ sent }) => sent),
    yodel_connections_refused_total: refusals("connections_"),
    yodel_connections_full_total: [[full]],
    yodel_datagrams_answered_total: [[answered]],
    yodel_datagrams_unanswered_total: [...refusals("datagrams_"), ...by("reason", unanswered)],
    yodel_faults_injected_total: by("fault", faults),
  };
}

/** Makes a sample for each value of a label. */
function by<T>(
  label: string,
  all: Readonly<Record<string, T>>,
  figure: (one: T) => number = Number,
): Sample[] {
  return Object.entries(all).map(([value, one]) => [figure(one), { [label]: value }]);
}

export function watchPing(metrics: Metrics): (result: ProbeResult) => void {
  const results = { right: 0, late: 0, corrupted: 0, lost: 0, repeated: 0, unsent: 0 };
  metrics.watch("yodel_probe_results_total", "What became of probes", () => by("outcome", results));
  const observe = metrics.histogram(
    "yodel_probe_round_trip_seconds",
    "Round trips of uncorrupted probes",
  );
  return ({ outcome, time = 0 }) => {
    results[outcome]++;
    if (outcome === "right" || outcome === "late") observe(time / 1000);
  };
}
