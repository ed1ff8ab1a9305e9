/** Latencies, their percentiles, and the histogram that other programs decode. */
import { assert, assertEquals } from "@std/assert";
import { decodeFromCompressedBase64 } from "npm:hdr-histogram-js@3.0.1";
import { createLatencies, type Latencies } from "../client/latencies.ts";
import { summarize } from "../client/ping_result.ts";
import { latenciesJson } from "../report/figures.ts";
import { summaryText } from "../report/ping_text.ts";
import { deserted } from "./servers.ts";

const PERCENTILES = [0, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 100];

/** Latencies in milliseconds, spread as the inverse of a distribution says. */
function spread(count: number, inverse: (part: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => inverse((i + 0.5) / count));
}

/** Latencies in milliseconds, the shortest first. */
const distributions: readonly (readonly [string, number[]])[] = [
  ["a single one", [41.22]],
  ["a thousand that are the same", spread(1000, () => 0.2468)],
  ["1 µs to 1 min", [0.001, ...spread(9998, (part) => 0.001 * 6e7 ** part), 60_000]],
  ["some microseconds", spread(1000, (part) => 0.001 + part / 100)],
  ["most short and few long", spread(5000, (part) => -2 * Math.log(1 - part))],
  ["two heaps", spread(5000, (part) => part < 0.97 ? 0.2 + part / 100 : 200 + part)],
  ["two", [0.5, 30_000]],
];

/** Tests something with each distribution. */
function testEach(
  what: string,
  test: (latencies: Latencies, samples: readonly number[]) => Promise<void> | void,
): void {
  for (const [name, samples] of distributions) {
    Deno.test(`${what}: ${name}`, async () => await test(await recorded(samples), samples));
  }
}

async function recorded(samples: readonly number[]): Promise<Latencies> {
  const latencies = await createLatencies();
  for (const sample of samples) latencies.record(sample);
  return latencies;
}

/** All figures of latencies; sums are rounded, as their order differs. */
function known(latencies: Latencies): unknown {
  const { count, min, max } = latencies;
  const [mean, stddev] = [latencies.mean.toPrecision(9), latencies.stddev.toFixed(6)];
  const percentiles = PERCENTILES.map((percent) => latencies.percentile(percent));
  return { count, min, max, mean, stddev, percentiles };
}

/** Asserts that a figure is what it should be: three digits of it, or a nanosecond. */
function assertClose(found: number, expected: number, what: string): void {
  const close = Math.abs(found - expected) <= expected * 0.001 + 1e-6;
  assert(close, `${what} is ${found}, and should be ${expected}`);
}

/** Asserts that a figure is what it should be, but for the rounding of sums. */
function assertExact(found: number, expected: number, what: string): void {
  const close = Math.abs(found - expected) <= expected * 1e-9 + 1e-9;
  assert(close, `${what} is ${found}, and should be ${expected}`);
}

testEach(
  "percentiles are those of all latencies to three digits, other figures are exact",
  (latencies, samples) => {
    const { count, min, max, mean, stddev } = latencies;
    assertEquals([count, min, max], [samples.length, samples[0] ?? NaN, samples.at(-1) ?? NaN]);
    const average = samples.reduce((sum, sample) => sum + sample / count, 0);
    assertExact(mean, average, "the average");
    const variance = samples.reduce((sum, sample) => sum + (sample - average) ** 2 / count, 0);
    assertExact(stddev, Math.sqrt(variance), "the standard deviation");
    const percentiles = PERCENTILES.map((percent) => latencies.percentile(percent));
    for (const [i, percent] of PERCENTILES.entries()) {
      // A rank that is a whole number may come out as a little more.
      const rank = Math.max(1, Math.ceil(percent / 100 * count - 1e-9));
      assertClose(percentiles[i] ?? NaN, samples[rank - 1] ?? NaN, `p${percent}`);
    }
    const outside = [mean, ...percentiles].filter((figure) => figure < min || figure > max);
    assertEquals(outside, [], `not within ${min}..${max}`);
  },
);

testEach("latencies of two threads added are those of one thread", async (all, samples) => {
  const latencies = await createLatencies();
  for (const thread of [0, 1]) {
    const part = await recorded(samples.filter((_, i) => i % 2 === thread));
    await latencies.add(structuredClone(await part.encode()));
  }
  assertEquals(known(latencies), known(all));
});

testEach(
  "an encoded histogram has the same latencies for other programs, in nanoseconds",
  async (latencies, samples) => {
    const decoded = decodeFromCompressedBase64((await latencies.encode()).histogram);
    assertEquals(decoded.totalCount, samples.length);
    for (const percent of PERCENTILES) {
      const found = decoded.getValueAtPercentile(percent) / 1e6;
      assertClose(found, latencies.percentile(percent), `p${percent}`);
    }
  },
);

Deno.test("no latencies are zeros, also of another thread", async () => {
  const none = await createLatencies();
  const { count, min, max, mean, stddev } = none;
  assertEquals([count, min, max, mean, stddev, none.percentile(50)], [0, 0, 0, 0, 0, 0]);
  const some = await recorded([1, 2, 3]);
  await some.add(structuredClone(await none.encode()));
  assertEquals(known(some), known(await recorded([1, 2, 3])));
  await none.add(structuredClone(await none.encode()));
  assertEquals(known(none), known(await createLatencies()));
});

Deno.test("a latency of 0 counts like the others, and one of hours too", async () => {
  const hours = await recorded([1, 2 * 3600 * 1000]);
  assertEquals([hours.count, hours.max, hours.percentile(100)], [2, 7_200_000, 7_200_000]);
  for (const samples of [[0], [0, 1]]) {
    const latencies = await recorded(samples);
    assertEquals([latencies.min, latencies.percentile(50)], [0, 0]);
  }
});

Deno.test("two samples have exact figures, and percentiles have no more digits than are known", async () => {
  const latencies = await recorded([203.362, 203.163]);
  assertEquals([latencies.mean.toFixed(4), latencies.stddev.toFixed(4)], ["203.2625", "0.0995"]);
  const none = { late: 0, corrupted: 0, lost: 0, unsent: 0, repeated: 0, unexpected: 0 };
  const endpoint = deserted();
  const summary = summarize({ endpoint, right: 2, ...none, elapsed: 0, latencies });
  const lines = summaryText(summary).split("\n").slice(-2);
  assertEquals(lines, [
    "time min/avg/max/stddev = 203.163/203.262/203.362/0.099 ms",
    "time p50/p90/p99 = 203.163/203.362/203.362 ms",
  ]);
  const many = await recorded(Array.from({ length: 100 }, (_, i) => 1.2345 + i / 1000));
  const { p50_ms, p90_ms } = latenciesJson(many, [50, 90]) as Record<string, number>;
  assertEquals([p50_ms, p90_ms], [1.28, 1.32]);
});
