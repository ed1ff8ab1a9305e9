/** Datagrams, in serve and connect. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect, EchoError, EndpointError, load, ping, YodelError } from "../client.ts";
import { StreamError } from "../client/streams.ts";
import { type Endpoint, serve } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import { collect, type LogLine, portOf, random } from "./local.ts";
import { inEach, linux, PATIENT, undisturbed, until } from "./machine.ts";
import { available, program, programWithoutUnstable, run, shell } from "./program.ts";
import { deserted, startDatagrams, startEcho } from "./servers.ts";

const here = { scheme: "udp", host: "127.0.0.1", port: 0 } as const;

function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${i}\n`).join("");
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
}

/** Sends a text to an endpoint, and compares the answer. */
async function send(to: Endpoint | string, text: string, timeout = PATIENT, verify = true) {
  return await connect(to, { input: inputOf(text), output: nowhere, verify, timeout });
}

Deno.test("datagrams of every size come back to their sender, from the server's address", async () => {
  await using server = await serve([here, { ...here, host: "::1" }]);
  for (const [i, host] of ["127.0.0.1", "::1"].entries()) {
    const socket = createSocket(host === "::1" ? "udp6" : "udp4");
    const answers: { bytes: Uint8Array; address: string }[] = [];
    socket.on("message", (bytes: Uint8Array, { address }) => void answers.push({ bytes, address }));
    for (const size of [0, 1, 1472, 9000, 65_507]) {
      const bytes = random(size);
      socket.send(bytes, portOf(server.endpoints[i]), host);
      await until(() => answers.length > 0, `a datagram of ${size} bytes comes back`);
      const answer = answers.shift();
      assertEquals(new Uint8Array(answer?.bytes ?? []), bytes);
      assertEquals(answer?.address, host);
    }
    await closed(socket);
  }
});

Deno.test("each line of the input is a datagram, and the rest is one", async () => {
  const texts: string[] = [];
  await using server = await startDatagrams((bytes) => {
    texts.push(new TextDecoder().decode(bytes));
    return [bytes];
  });
  await send(server.endpoint, "one\ntwo\nend");
  assertEquals(texts, ["one\n", "two\n", "end"]);
});

Deno.test("a thousand datagrams come back, verified", async () => {
  await using server = await startEcho("udp");
  const { sent, received } = await send(server.endpoint, lines(1000));
  assertEquals(received, sent);
  // Equal ones are not taken for reordered.
  await send(server.endpoint, "y\n".repeat(40));
});

for (
  const [what, answers, verify] of [
    ["1 corrupted", (bytes) => [bytes.map((byte) => byte ^ 1)], true],
    ["1 lost", () => [], true],
    ["1 lost", () => [], false],
  ] as [string, (bytes: Uint8Array) => Uint8Array[], boolean][]
) {
  Deno.test(`connect counts ${what} of ten datagrams (verify: ${verify})`, async () => {
    // An answer that is late by the timeout is lost as well.
    const timeout = what === "1 lost" ? 200 : PATIENT;
    const { message } = await undisturbed(async () => {
      await using server = await startDatagrams((bytes, number) => {
        return number === 3 ? answers(bytes) : [bytes];
      });
      const all = () => send(server.endpoint, lines(10), timeout, verify);
      return await assertRejects(all, EchoError);
    }, 100);
    assertMatch(message, new RegExp(` of 10 datagrams ${what}$`));
  });
}

Deno.test("an answer from another address does not count", async () => {
  const stranger = createSocket("udp4");
  let answered = 0;
  const silent = createSocket("udp4");
  silent.on("message", (bytes: Uint8Array, { port }) => {
    stranger.send(bytes, port, "127.0.0.1", () => void answered++);
  });
  await new Promise<void>((resolve) => silent.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const endpoint = { ...here, port: silent.address().port };
  await assertRejects(() => send(endpoint, "one\n", 200), EndpointError, "nothing came back");
  assertEquals(answered, 1);
  await closed(silent);
  await closed(stranger);
});

Deno.test("a closed port, and a line that no datagram holds, are one line", async () => {
  const port = portOf(deserted());
  await assertRejects(
    () => send({ ...here, port }, "one\n", 200),
    EndpointError,
    `no answer from udp://127.0.0.1:${port}: nothing came back in 0.2s`,
  );
  await using server = await startEcho("udp");
  await assertRejects(
    () => send(server.endpoint, "x".repeat(70_000)),
    StreamError,
    "cannot send the input: a datagram holds at most 65507 bytes, and a line is longer",
  );
  await assertRejects(() => serve(server.endpoint), EndpointError, "address in use");
});

Deno.test("socat and ncat get their datagrams back, over both families", {
  ignore: !available("socat") || !available("ncat"),
}, async () => {
  await using server = await serve({ ...here, host: "localhost" });
  const port = portOf(server.endpoints[0]);
  await inEach([
    `socat -t 0.1 - UDP4:127.0.0.1:${port}`,
    `socat -t 0.1 - UDP6:[::1]:${port}`,
    `ncat --udp 127.0.0.1 ${port}`,
  ], async (command) => {
    // They leave after the end of their input, so that has to wait for the answer.
    const { stdout } = await shell(`out=$(mktemp)
      { echo hello; until [ -s $out ]; do sleep 0.02; done; } | ${command} >$out
      cat $out; rm $out`);
    assertEquals(stdout, "hello\n", command);
  });
});

Deno.test("of the addresses of a name the one that answers is used", async () => {
  // Some machines have localhost for IPv4 only.
  for (const { address: host } of await lookup("localhost", { all: true })) {
    await using server = await serve({ ...here, host });
    const result = await send(`udp://localhost:${portOf(server.endpoints[0])}`, "one\ntwo\n");
    assertEquals(result, { sent: 8, received: 8 });
  }
});

Deno.test("the log has each datagram, how many there were, and a warning on all addresses", async () => {
  const log: LogLine[] = [];
  const server = await serve({ ...here, host: "0.0.0.0" }, { log: collect(log) });
  await send(`udp://127.0.0.1:${portOf(server.endpoints[0])}`, "one\ntwo\n");
  await server.stop();
  const datagrams = log.filter(({ message }) => message === "datagram");
  assertEquals(datagrams.map(({ level, fields }) => `${level} ${fields.bytes}`), [
    "debug 4",
    "debug 4",
  ]);
  const { fields } = log.find(({ message }) => message === "stopped") ?? {};
  assertEquals(fields, { datagrams_answered: 2, datagrams_not_answered: 0 });
  const warnings = log.filter(({ level }) => level === "warn").map(({ message }) => message);
  assertStringIncludes(warnings.join(), "udp on all addresses: answers may come from another");
});

Deno.test("without Deno's datagrams one line says what to add", async () => {
  const server = await run([...programWithoutUnstable, "serve", "udp://127.0.0.1:0"]);
  const stderr = "yodel: udp://127.0.0.1:0 requires deno run --unstable-net\n";
  assertEquals(server, { code: 2, stdout: "", stderr });
  const endpoint = "udp://127.0.0.1:9";
  const { listenDatagram } = Deno;
  Object.assign(Deno, { listenDatagram: undefined });
  try {
    for (
      const use of [
        () => serve(endpoint),
        () => send(endpoint, ""),
        () => ping(endpoint),
        () => load(endpoint),
      ]
    ) {
      const error = await assertRejects(use, YodelError, `${endpoint} requires deno run`);
      assertEquals(error.exitStatus, 2);
    }
  } finally {
    Deno.listenDatagram = listenDatagram;
  }
});

const namespaces = linux && Deno.uid() === 0 &&
  ["unshare", "nsenter", "ip"].every(available);

Deno.test("link-local addresses keep their zone, over TCP and UDP", {
  ignore: !namespaces,
}, async () => {
  const words = program.map((word) => `'${word}'`).join(" ");
  const { stdout, stderr } = await run([
    ...["unshare", "--net", "bash", "-c"],
    `ip link set lo up
    for i in 0 1; do
      ip link add here$i type veth peer name there$i
      ip link set here$i up; ip link set there$i up
      ip addr add fe80::a$i/64 dev here$i nodad
    done
    out=$(mktemp)
    ${words} serve --log-level error "tcp://[fe80::a1%here1]:0" "udp://[fe80::a1%here1]:0" >$out &
    until [ -s $out ]; do sleep 0.05; done
    for endpoint in $(cat $out); do
      echo "$endpoint" | sed 's/:[0-9]*$//'
      echo hello | ${words} connect "$endpoint" --verify --timeout 60s
    done
    rm $out; kill $!; wait $!`,
  ]);
  const both = ["tcp", "udp"].map((scheme) => `${scheme}://[fe80::a1%here1]\nhello\n`);
  assertEquals({ stdout, stderr }, { stdout: both.join(""), stderr: "" });
});
