/** What each client says of each fault: every one is reported as what it is. */
import { assertEquals, assertMatch } from "@std/assert";
import { formatEndpoint } from "../net/endpoint.ts";
import { startFaulty } from "./faulty.ts";
import { yodel } from "./program.ts";

type Clients = Record<"connect" | "ping" | "load", RegExp>;

/** What a fault is called by connect --verify, ping and load; of both transports where both have it. */
const CALLED: [scheme: "tcp" | "udp", fault: string, Clients][] = [
  ["tcp", "corrupt@1", {
    connect: /the byte at offset 0 was sent as 0x\w\w and came back as/,
    ping: /altered: the byte at offset 0/,
    load: /altered: connection 1: the byte at offset 0/,
  }],
  ["tcp", "lose", {
    connect: /only 0 of 18 bytes came back/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: connection 1: no answer came, at offset 0/,
  }],
  ["tcp", "repeat", {
    connect: /more came back than was sent, from offset 18 on/,
    ping: / repeated\n/,
    load: /surplus|repeated|unasked/,
  }],
  ["tcp", "silent", {
    connect: /idle for 0\.5s, after 18 bytes were sent and 0 came back/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: connection 1: no answer came/,
  }],
  ["tcp", "stall=1h", {
    connect: /idle for 0\.5s, after 18 bytes were sent and 0 came back/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: connection 1: no answer came/,
  }],
  ["tcp", "close-after=10", {
    connect: /only 10 of 18 bytes came back/,
    ping: /lost: the server ended the connection, only 10 of 56 bytes had come/,
    load: /broken: connection 1: the server ended it at offset 10, only 10 of 64 bytes/,
  }],
  ["tcp", "reset-after=10", {
    connect: /connection reset by the peer, after 18 bytes were sent and 10 came back/,
    ping: /lost: connection reset by the peer/,
    load: /broken: connection 1: connection reset by the peer, at offset 10/,
  }],
  ["tcp", "refuse", {
    connect: /only 0 of 18 bytes came back|connection reset/,
    ping: /lost: (the server ended the connection|connection reset)/,
    load: /broken: connection 1: (the server ended it at offset 0|connection reset)/,
  }],
  ["tcp", "delay=400ms", {
    connect: /^$/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: connection 1: no answer came/,
  }],
  ["udp", "corrupt@1", {
    connect: /of 18 datagrams 18 altered/,
    ping: /altered: the byte at offset 0/,
    load: /altered: socket 1: datagram 1: the byte at offset 0/,
  }],
  ["udp", "lose@50%", {
    connect: /of 18 datagrams \d+ lost/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: socket 1: no answer came to datagram/,
  }],
  ["udp", "repeat", {
    connect: /of 18 datagrams 18 repeated/,
    ping: / repeated\n/,
    load: /repeated/,
  }],
  ["udp", "reorder", {
    connect: /of 18 datagrams \d+ reordered/,
    ping: /0% lost/,
    load: /messages +\d/,
  }],
  ["udp", "silent", {
    connect: /nothing came back in 1s/,
    ping: /lost: no answer in 0\.3s/,
    load: /lost: socket 1: no answer came to datagram/,
  }],
];

/** How each client is started. A slow machine has its time where the server ends what it does. */
function flagsOf(command: keyof Clients, fault: string): readonly string[] {
  const timeout = /close|reset|refuse/.test(fault) ? "20s" : "300ms";
  return {
    connect: ["--verify"],
    ping: ["--count", "4", "--interval", "20ms", "--timeout", timeout],
    load: ["--duration", "600ms", "--timeout", timeout, "--connections", "1"],
  }[command];
}

for (const [scheme, fault, called] of CALLED) {
  Deno.test(`over ${scheme}, ${fault} is called what it is by each client`, async () => {
    await using server = await startFaulty(scheme, [fault], { seed: 1 });
    const endpoint = formatEndpoint(server.endpoint);
    const idle = scheme === "tcp" ? ["--idle-timeout", "500ms"] : [];
    for (const [command, says] of Object.entries(called) as [keyof Clients, RegExp][]) {
      const more = command === "connect" ? idle : [];
      const input = scheme === "tcp"
        ? "eighteen bytes ..\n"
        : Array.from({ length: 18 }, (_, i) => `${i}\n`).join("");
      const args = [command, endpoint, ...flagsOf(command, fault), ...more];
      const { stdout, stderr } = await yodel(args, input);
      assertMatch(command === "connect" ? stderr : stdout + stderr, says, command);
    }
    assertEquals(server.log[0]?.fields.faults, fault);
  });
}
