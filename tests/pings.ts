/** Pings of servers that answer as they were outcomes, and how they are printed. */
import { startAnswering, startDatagrams } from "./servers.ts";
import { ping, type PingOptions, type PingSummary, type ProbeResult } from "../client.ts";
import { probeText, startText, summaryText } from "../report/ping_text.ts";
import type { Endpoint } from "../server.ts";
import type { CustomServer } from "./local.ts";

/** In bytes. */
export const SIZE = 56;

/** What a server sends when it gets a probe; `number` counts the probes it got, from 1 on. */
export type Answers = (probe: Uint8Array, number: number) => Uint8Array[];

export async function startProbed(scheme: "tcp" | "udp", answers: Answers): Promise<CustomServer> {
  return scheme === "tcp" ? startAnswering(SIZE, answers) : await startDatagrams(answers);
}

/** Answers the probe of a number as soon as the next one has come. */
export function holding(number: number): Answers {
  const held: Uint8Array[] = [];
  return (probe, at) => {
    if (at !== number) return [...held.splice(0), probe];
    held.push(probe);
    return [];
  };
}

/** Answers the probe of a number in a way of its own. */
export function but(number: number, answers: (probe: Uint8Array) => Uint8Array[]): Answers {
  return (probe, at) => at === number ? answers(probe) : [probe];
}

export const lose = () => [];
export const repeat = (probe: Uint8Array) => [probe, probe];
export const shorten = (probe: Uint8Array) => [probe.subarray(0, -1)];
export const corrupt = (probe: Uint8Array) => [probe.map((byte, at) => at === 7 ? byte ^ 1 : byte)];
export const invert = (probe: Uint8Array) => [probe.map((byte) => byte ^ 0xff)];

/** Pings within this process; returns the summary and what became of each probe, also in words. */
export async function results(endpoint: Endpoint, options: PingOptions) {
  const outcomes: string[] = [];
  const found: ProbeResult[] = [];
  const summary = await ping(endpoint, {
    ...options,
    onResult(result) {
      const { seq, outcome, error } = result;
      found.push(result);
      outcomes.push(`${seq} ${outcome}${error === undefined ? "" : `: ${error}`}`);
      return options.onResult?.(result);
    },
  });
  return { outcomes, found, summary };
}

/** What the command prints of probes and their summary, but for times and bytes. */
export function printed(found: readonly ProbeResult[], summary: PingSummary): string {
  const { endpoint } = summary;
  const lines = [...found.map((result) => probeText(endpoint, result)), summaryText(summary)];
  return plain(`${startText(endpoint, undefined, SIZE)}\n${lines.join("\n")}\n`);
}

/** Some printed text without what differs each time: T stands for a time, 0xNN for a byte. */
export function plain(text: string): string {
  return text
    .replace(/\d+\.\d{3}(?=[ /])/g, "T")
    .replace(/(?<=^time p50\/p90\/p99 = )[\d./T]+/gm, "T/T/T")
    .replace(/\d+\.\d\d s$/gm, "T s")
    .replace(/0x[0-9a-f]{2}/g, "0xNN");
}

export const LATENCY_LINES = "time min/avg/max/stddev = T/T/T/T ms\ntime p50/p90/p99 = T/T/T ms\n";

export function startLine(name: string): string {
  return `PING ${name}: ${SIZE} bytes\n`;
}

/** Three probes as they are printed, all answered. */
export function threeRight(name: string, parts: string): string {
  return startLine(name) +
    [1, 2, 3].map((seq) => `56 bytes from ${name}: seq=${seq} ${parts}\n`).join("") +
    `--- ${name} ---\n3 probes: 3 right, 0% lost, T s\n${LATENCY_LINES}`;
}
