// The metrics of servers and of ping.
import type { ProbeResult } from "../client.ts";
import type { ConnectionCounts, Server, ServerCounts } from "../server.ts";
import type { Metrics, Sample } from "./metrics.ts";

/** The upper bounds of the buckets of a histogram, in seconds. */
const BOUNDS = [...[1e-4, 1e-3, 1e-2, 0.1, 1].flatMap((time) => [time, 2.5 * time, 5 * time]), 10];

const METRICS = {
  yodel_connections_open: "Connections that are open",
  yodel_connections_opened_total: "Connections that were opened",
  yodel_connections_closed_total: "Connections that ended, by why",
  yodel_received_bytes_total: "Bytes that connections brought",
  yodel_sent_bytes_total: "Bytes that were sent back on connections",
  yodel_connections_refused_total: "Connections that were closed at once",
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
  const { connections, answered, unanswered, refused, faults } = counts;
  const refusals = (what: string) =>
    ["denied", "over_limit"].map((why): Sample => [refused[what + why] ?? 0, { reason: why }]);
  const opened = ({ states }: ConnectionCounts) => Object.values(states).reduce((a, b) => a + b);
  return {
    yodel_connections_open: by("transport", connections, ({ states }) => states.open),
    yodel_connections_opened_total: by("transport", connections, opened),
    yodel_connections_closed_total: Object.entries(connections).flatMap(
      ([transport, { states: { open: _, ...ended } }]) =>
        by("ending", ended).map(([figure, label]): Sample => [figure, { transport, ...label }]),
    ),
    yodel_received_bytes_total: by("transport", connections, ({ received }) => received),
    yodel_sent_bytes_total: by("transport", connections, ({ sent }) => sent),
    yodel_connections_refused_total: refusals("connections_"),
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
  const buckets = BOUNDS.map((le) => ({ le, count: 0 }));
  let [sum, count] = [0, 0];
  const samples = (): Sample[] => [
    ...buckets.map(({ le, count }): Sample => [count, { le: `${le}` }, "_bucket"]),
    [count, { le: "+Inf" }, "_bucket"],
    [sum, {}, "_sum"],
    [count, {}, "_count"],
  ];
  const help = "Round trips of uncorrupted probes";
  metrics.watch("yodel_probe_round_trip_seconds", help, samples, "histogram");
  return ({ outcome, time = 0 }) => {
    results[outcome]++;
    if (outcome !== "right" && outcome !== "late") return;
    const seconds = time / 1000;
    sum += seconds;
    count++;
    for (const bucket of buckets) if (seconds <= bucket.le) bucket.count++;
  };
}
