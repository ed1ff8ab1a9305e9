/** Datagrams, in serve and connect. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect, EchoError, EndpointError, load, ping, YodelError } from "../client.ts";
import { type Endpoint, serve, type Server } from "../server.ts";
import { inputOf, nowhere } from "./faulty.ts";
import {
  collect,
  type CustomServer,
  inEach,
  linux,
  type LogLine,
  PATIENT,
  portOf,
  random,
  undisturbed,
  until,
} from "./local.ts";
import { available, program, programWithoutUnstable, run, startServer, yodel } from "./program.ts";
import { startDatagrams } from "./servers.ts";

const here = { scheme: "udp", host: "127.0.0.1", port: 0 } as const;

interface UdpServer extends AsyncDisposable {
  endpoints: readonly Endpoint[];
  log: LogLine[];
}

async function startUdp(endpoints: readonly Endpoint[] = [here]): Promise<UdpServer> {
  const stop = new AbortController();
  const log: LogLine[] = [];
  const server: Server = await serve(endpoints, {
    signal: stop.signal,
    log: { warn: (message, fields = {}) => void log.push({ level: "warn", message, fields }) },
  });
  return {
    endpoints: server.endpoints,
    log,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${i}\n`).join("");
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
}

/** Sends ten lines, verified; returns what the error says. */
async function verifyTenLines({ endpoint }: CustomServer, timeout = PATIENT): Promise<string> {
  const options = { input: inputOf(lines(10)), output: nowhere, verify: true, timeout };
  return (await assertRejects(() => connect(endpoint, options), EchoError)).message;
}

Deno.test("datagrams of every size come back to their sender, from where they went", async () => {
  await using server = await startUdp([here, { ...here, host: "::1" }]);
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

Deno.test("each line of the input is a datagram", async () => {
  await using server = await startServer(["udp://127.0.0.1:0", "--log-data", "hex"]);
  assertMatch(server.endpoints[0] ?? "", /^udp:\/\/127\.0\.0\.1:\d+$/);
  const [endpoint = ""] = server.endpoints;
  assertEquals(await yodel(["connect", endpoint, "--verify"], "one\ntwo\nend"), {
    code: 0,
    stdout: "one\ntwo\nend",
    stderr: "",
  });
  server.process.kill("SIGTERM");
  const sizes = [...(await server.log).matchAll(/datagram .* bytes=(\d+)/g)].map(([, n]) => n);
  assertEquals(sizes, ["4", "4", "3"]);
});

Deno.test("a thousand datagrams come back, verified", async () => {
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  const input = inputOf(lines(1000));
  const options = { input, output: nowhere, verify: true, timeout: PATIENT };
  const result = await connect(endpoint, options);
  assertEquals(result.received, result.sent);
});

for (
  const [what, answers, message] of [
    ["repeated", (bytes, number) => number === 3 ? [bytes, bytes] : [bytes], "1 repeated"],
    [
      "corrupted",
      (bytes, number) => [number === 3 ? bytes.map((byte) => byte ^ 1) : bytes],
      "of 10 datagrams 1 corrupted",
    ],
  ] as [string, (bytes: Uint8Array, number: number) => Uint8Array[], string][]
) {
  Deno.test(`--verify counts datagrams that are ${what}`, async () => {
    await using server = await startDatagrams(answers);
    assertStringIncludes(await verifyTenLines(server), message);
  });
}

Deno.test("datagrams that are lost are counted, whether or not they are verified", async () => {
  await using server = await startDatagrams((bytes, number) => number % 5 === 0 ? [] : [bytes]);
  // An answer that is late by the timeout is lost as well.
  const verified = await undisturbed(() => verifyTenLines(server, 200), 100);
  assertStringIncludes(verified, "of 10 datagrams 2 lost");
  const input = () => inputOf(lines(10));
  const { message } = await undisturbed(() =>
    assertRejects(
      () => connect(server.endpoint, { input: input(), output: nowhere, timeout: 200 }),
      EchoError,
    ), 100);
  assertStringIncludes(message, "of 10 datagrams 2 lost");
});

Deno.test("--verify counts datagrams that come back in another order", async () => {
  let held: Uint8Array[] = [];
  await using server = await startDatagrams((bytes, number) => {
    if (number === 4) held = [bytes];
    if (number === 4) return [];
    return number === 5 ? [bytes, ...held] : [bytes];
  });
  assertStringIncludes(await verifyTenLines(server), "of 10 datagrams 1 reordered");
});

Deno.test("an answer from elsewhere is none", async () => {
  const stranger = createSocket("udp4");
  let answered = 0;
  const silent = createSocket("udp4");
  silent.on("message", (bytes: Uint8Array, { port }) => {
    stranger.send(bytes, port, "127.0.0.1", () => void answered++);
  });
  await new Promise<void>((resolve) => silent.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const endpoint = { ...here, port: silent.address().port };
  await assertRejects(
    () => connect(endpoint, { input: inputOf("one\n"), output: nowhere, timeout: 200 }),
    EndpointError,
    "nothing came back",
  );
  assertEquals(answered, 1);
  await closed(silent);
  await closed(stranger);
});

Deno.test("a closed port, and a line that no datagram holds, are one line", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const { port } = socket.address();
  await closed(socket);
  await assertRejects(
    () => connect({ ...here, port }, { input: inputOf("one\n"), output: nowhere, timeout: 200 }),
    EndpointError,
    `no answer from udp://127.0.0.1:${port}: nothing came back in 0.2s`,
  );
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  await assertRejects(
    () => connect(endpoint, { input: inputOf("x".repeat(70_000)), output: nowhere }),
    EchoError,
    "a datagram holds at most 65507 bytes, and a line of the input is longer",
  );
  await assertRejects(() => startUdp([endpoint]), EndpointError, "address in use");
});

Deno.test("socat and ncat get their datagrams back, over both families", {
  ignore: !available("socat") || !available("ncat"),
}, async () => {
  await using server = await startUdp([{ ...here, host: "localhost" }]);
  const port = portOf(server.endpoints[0]);
  await inEach([
    `socat -t 0.1 - UDP4:127.0.0.1:${port}`,
    `socat -t 0.1 - UDP6:[::1]:${port}`,
    `ncat --udp 127.0.0.1 ${port}`,
  ], async (command) => {
    // They leave after the end of their input, so that has to wait for the answer.
    const { stdout } = await run([
      "bash",
      "-c",
      `out=$(mktemp)
      { echo hello; until [ -s $out ]; do sleep 0.02; done; } | ${command} >$out
      cat $out; rm $out`,
    ]);
    assertEquals(stdout, "hello\n", command);
  });
});

Deno.test("a udp server on all addresses says what it cannot do", async () => {
  await using server = await startUdp([{ ...here, host: "0.0.0.0" }]);
  assert(server.log.some(({ message }) => message.startsWith("udp on all addresses answers from")));
});

Deno.test("a name with several addresses is that at which somebody answers", async () => {
  // Some machines have localhost for IPv4 only.
  for (const { address: host } of await lookup("localhost", { all: true })) {
    await using server = await startUdp([{ ...here, host }]);
    const options = { input: inputOf("one\ntwo\n"), output: nowhere, verify: true };
    const endpoint = `udp://localhost:${portOf(server.endpoints[0])}`;
    const result = await connect(endpoint, { ...options, timeout: PATIENT });
    assertEquals(result, { sent: 8, received: 8 });
  }
});

Deno.test("the log has each datagram, and how many there were", async () => {
  const log: LogLine[] = [];
  const server = await serve(here, { log: collect(log) });
  const [endpoint = here] = server.endpoints;
  await connect(endpoint, { input: inputOf("one\ntwo\n"), output: nowhere, timeout: PATIENT });
  await server.stop();
  const datagrams = log.filter(({ message }) => message === "datagram");
  assertEquals(datagrams.map(({ level, fields }) => [level, fields.bytes]), [
    ["debug", 4],
    ["debug", 4],
  ]);
  const { fields } = log.find(({ message }) => message === "stopped") ?? {};
  assertEquals(fields, { datagrams_answered: 2, datagrams_not_answered: 0 });
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
        () => connect(endpoint, { input: inputOf(""), output: nowhere }),
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
    "unshare",
    "--net",
    "bash",
    "-c",
    `
    ip link set lo up
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
