/** What each client reports of each fault. */
import { assertEquals, assertMatch } from "@std/assert";
import { connect, load, ping } from "../client.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { loadText } from "../report/load_text.ts";
import { probeText, summaryText } from "../report/ping_text.ts";
import { inputOf, nowhere, startFaulty } from "./faulty.ts";
import { inEach, PATIENT, undisturbed } from "./machine.ts";

type Clients = Record<"connect" | "ping" | "load", RegExp>;

/** What connect --verify, ping and load call a fault. */
const CALLED: [scheme: "tcp" | "udp", fault: string, Clients][] = [
  ["tcp", "corrupt@1", {
    connect: /the echo differs at byte 0: expected 0x\w\w, got 0x\w\w/,
    ping: /corrupted: differs at byte 0/,
    load: /corrupted: connection 1: differs at byte 0: .+; is this an echo server\?/,
  }],
  ["tcp", "lose", {
    connect: /only 0 of 18 bytes came back/,
    ping: /lost: no answer in 0\.2s/,
    load: /lost: connection 1: no answer came, at offset 0/,
  }],
  ["tcp", "repeat", {
    connect: /more came back than was sent, from byte 18 on/,
    ping: / repeated\n/,
    load: /(unexpected|corrupted): connection 1: /,
  }],
  ["tcp", "silent", {
    connect: /idle for 0\.2s, after 18 bytes were sent and 0 came back/,
    ping: /lost: no answer in 0\.2s/,
    load: /lost: connection 1: no answer came/,
  }],
  ["tcp", "close-after=10", {
    connect: /only 10 of 18 bytes came back/,
    ping: /lost: the server ended the connection, only 10 of 56 bytes had come/,
    load:
      /broken: connection 1: the server ended the connection; only 10 of 64 bytes came, at offset 10/,
  }],
  ["tcp", "reset-after=10", {
    connect: /connection reset by the peer, after 18 bytes were sent and 10 came back/,
    ping: /lost: connection reset by the peer/,
    load: /broken: connection 1: connection reset by the peer, at offset 10/,
  }],
  ["tcp", "refuse", {
    connect: /only 0 of 18 bytes came back|connection reset/,
    ping: /lost: (the server ended the connection|connection reset)/,
    load:
      /broken: connection 1: (the server ended the connection; no answer came, at offset 0|connection reset)/,
  }],
  ["udp", "corrupt@1", {
    connect: /of 18 datagrams 18 corrupted/,
    ping: /corrupted: differs at byte 0/,
    load: /corrupted: socket 1: datagram 1: differs at byte 0/,
  }],
  ["udp", "lose@70%", {
    connect: /of 18 datagrams \d+ lost/,
    ping: /lost: no answer in 0\.2s/,
    load: /lost: socket 1: no answer came to datagram/,
  }],
  ["udp", "repeat", {
    connect: /of 18 datagrams 1[78] repeated/,
    ping: / repeated\n/,
    load: /repeated/,
  }],
  ["udp", "silent", {
    connect: /nothing came back in 0\.2s/,
    ping: /lost: no answer in 0\.2s/,
    load: /lost: socket 1: no answer came to datagram/,
  }],
];

/** A timeout for an answer that does not come, in milliseconds. */
const SHORT = 200;

/** Short only where no answer comes. */
function timeoutOf(fault: string): number {
  return /^(lose|silent)/.test(fault) ? SHORT : PATIENT;
}

/** What each client prints of an endpoint with a fault. */
const CLIENTS: Record<keyof Clients, (endpoint: Endpoint, fault: string) => Promise<string>> = {
  async connect(endpoint, fault) {
    const udp = endpoint.scheme === "udp";
    const lines = Array.from({ length: 18 }, (_, i) => `${i}\n`).join("");
    const input = inputOf(udp ? lines : "eighteen bytes ..\n");
    const options = { input, output: nowhere, verify: true };
    const limits = udp
      ? { timeout: timeoutOf(fault) }
      : { timeout: PATIENT, idleTimeout: fault === "silent" ? SHORT : 0 };
    return await connect(endpoint, { ...options, ...limits })
      .then(() => "", ({ message }) => message);
  },
  async ping(endpoint, fault) {
    const lines: string[] = [];
    const summary = await ping(endpoint, {
      count: 3,
      interval: 0,
      timeout: timeoutOf(fault),
      onResult: (result) => void lines.push(probeText(endpoint, result)),
    });
    return [...lines, summaryText(summary), ""].join("\n");
  },
  async load(endpoint, fault) {
    const settings = { messages: 5, connections: 1, timeout: timeoutOf(fault) };
    return await load(endpoint, settings)
      .then((result) => loadText(result), ({ message }) => message);
  },
};

for (const scheme of ["tcp", "udp"] as const) {
  Deno.test(`over ${scheme}, each fault is called what it is by each client`, async () => {
    const faults = CALLED.filter(([its]) => its === scheme);
    const runs = faults.flatMap(([, fault, called]) =>
      (["connect", "ping", "load"] as const).map((client) => ({ fault, client, called }))
    );
    await inEach(runs, async ({ fault, client, called }) => {
      await using server = await startFaulty(scheme, [fault], { seed: 1 });
      // An answer that is later than a client waits would look like one that never comes.
      let printed: string;
      do {
        printed = await undisturbed(() => CLIENTS[client](server.endpoint, fault), SHORT / 2);
      } while (printed.startsWith("cannot connect"));
      assertMatch(printed, called[client], `${client}, ${fault}: ${printed}`);
      assertEquals(server.log[0]?.fields.faults, fault);
    });
  });
}
