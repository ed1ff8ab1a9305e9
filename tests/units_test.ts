/** How quantities are written for people. */
import { assertEquals } from "@std/assert";
import { formatBytes, formatRate, formatTime } from "../report/figures.ts";
import { duration } from "../values/value_types.ts";

Deno.test("three digits are three digits, also where they are rounded up to one more", () => {
  assertEquals([0.0009995, 0.99949, 0.9996, 9.996, 99.96, 999.4, 9996].map(formatTime), [
    "1.00 µs",
    "999 µs",
    "1.00 ms",
    "10.0 ms",
    "100 ms",
    "999 ms",
    "10.0 s",
  ]);
  assertEquals([0, 0.4, 9.996, 99.6, 12345].map(formatRate), [
    "0.00",
    "0.40",
    "10.0",
    "100",
    "12,345",
  ]);
  assertEquals([999, 9996, 1.5e9].map(formatBytes), ["999 B", "10.0 kB", "1.50 GB"]);
});

Deno.test("a duration has the units of the results, µ as the micro sign, the Greek letter, or u", () => {
  const texts = ["500us", "500\u00b5s", "500\u03bcs", "0.5MS", "9us", "1.5s", "596h", "597h"];
  assertEquals(texts.map(duration.parse), [
    ...[0.5, 0.5, 0.5, 0.5],
    ...[0.009, 1500, 2_145_600_000, undefined],
  ]);
});
