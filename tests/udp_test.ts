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
import { connect, EchoError, EndpointError, type Input } from "../client.ts";
import type { HostEndpoint } from "../net/endpoint.ts";
import { type Endpoint, serve, type Server } from "../server.ts";
import { linux, type LogLine, portOf, random, until } from "./local.ts";
import {
  available,
  program,
  programWithNodeSockets,
  type Result,
  run,
  shell,
  startServer,
  yodel,
} from "./program.ts";

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

/** A UDP server that answers as `answers` says: with none, one or several datagrams. */
async function startAnswering(
  answers: (bytes: Uint8Array, number: number) => Uint8Array[],
): Promise<AsyncDisposable & { endpoint: HostEndpoint<"udp"> }> {
  const socket = createSocket("udp4");
  let number = 0;
  socket.on("message", (bytes: Uint8Array, { port, address }) => {
    for (const answer of answers(bytes, ++number)) socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  return {
    endpoint: { ...here, port: socket.address().port },
    [Symbol.asyncDispose]: () => closed(socket),
  };
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(resolve));
}

function source(...chunks: Uint8Array[]): Input {
  return {
    read(into) {
      const chunk = chunks.shift();
      if (chunk === undefined) return Promise.resolve(null);
      into.set(chunk.subarray(0, into.length));
      if (chunk.length > into.length) chunks.unshift(chunk.subarray(into.length));
      return Promise.resolve(Math.min(chunk.length, into.length));
    },
  };
}

const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };

const encoder = new TextEncoder();

function lines(count: number): Uint8Array {
  return encoder.encode(Array.from({ length: count }, (_, i) => `line ${i}\n`).join(""));
}

async function verifyTenLines(endpoint: Endpoint): Promise<void> {
  const input = source(lines(10));
  await connect(endpoint, { input, output: nowhere, verify: true, timeout: 200 });
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
  const input = source(lines(1000));
  const result = await connect(endpoint, { input, output: nowhere, verify: true });
  assertEquals(result.received, result.sent);
});

for (
  const [what, answers, complaint] of [
    ["lost", (bytes, number) => number % 5 === 0 ? [] : [bytes], "of 10 datagrams 2 lost"],
    ["repeated", (bytes, number) => number === 3 ? [bytes, bytes] : [bytes], "1 repeated"],
    [
      "altered",
      (bytes, number) => [number === 3 ? Uint8Array.from(bytes, (b) => b ^ 1) : bytes],
      "of 10 datagrams 1 altered",
    ],
  ] as [string, (bytes: Uint8Array, number: number) => Uint8Array[], string][]
) {
  Deno.test(`--verify counts datagrams that are ${what}`, async () => {
    await using server = await startAnswering(answers);
    const error = await assertRejects(
      () => verifyTenLines(server.endpoint),
      EchoError,
    );
    assertStringIncludes(error.message, complaint);
  });
}

Deno.test("datagrams that are lost are not all well, whether or not they are verified", async () => {
  await using server = await startAnswering((bytes, number) => number === 3 ? [] : [bytes]);
  const options = { input: source(lines(10)), output: nowhere, timeout: 200 };
  await assertRejects(() => connect(server.endpoint, options), EchoError, "of 10 datagrams 1 lost");
});

Deno.test("--verify counts datagrams that come back in another order", async () => {
  let held: Uint8Array[] = [];
  await using server = await startAnswering((bytes, number) => {
    if (number === 4) held = [Uint8Array.from(bytes)];
    if (number === 4) return [];
    return number === 5 ? [bytes, ...held] : [bytes];
  });
  await assertRejects(
    () => verifyTenLines(server.endpoint),
    EchoError,
    "of 10 datagrams 1 reordered",
  );
});

Deno.test("an answer from elsewhere is none", async () => {
  const stranger = createSocket("udp4");
  await using server = await startAnswering(() => []);
  const silent = createSocket("udp4");
  silent.on("message", (bytes: Uint8Array, { port }) => stranger.send(bytes, port, "127.0.0.1"));
  await new Promise<void>((resolve) => silent.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const endpoint = { ...server.endpoint, port: silent.address().port };
  await assertRejects(
    () => connect(endpoint, { input: source(lines(1)), output: nowhere, timeout: 200 }),
    EndpointError,
    "nothing came back",
  );
  await closed(silent);
  await closed(stranger);
});

Deno.test("a closed port, and a line that no datagram holds, are one line", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind({ address: "127.0.0.1", port: 0 }, resolve));
  const { port } = socket.address();
  await closed(socket);
  const refused = await yodel(["connect", `udp://127.0.0.1:${port}`], "hello\n");
  assertEquals(refused, {
    code: 2,
    stdout: "",
    stderr: `yodel: no answer from udp://127.0.0.1:${port}: nothing came back in 1s\n`,
  });
  await using server = await startUdp();
  const [endpoint = here] = server.endpoints;
  await assertRejects(
    () => connect(endpoint, { input: source(new Uint8Array(70_000)), output: nowhere }),
    EchoError,
    "a datagram holds at most 65507 bytes, and a line of the input is longer",
  );
  await assertRejects(() => startUdp([endpoint]), EndpointError, "address in use");
});

Deno.test("socat and ncat get their datagrams back, over both families", {
  ignore: !available("socat") || !available("ncat"),
}, async () => {
  await using server = await startServer(["udp://localhost:0"]);
  const { port } = server;
  for (
    const command of [
      `socat -t 1 - UDP4:127.0.0.1:${port}`,
      `socat -t 1 - UDP6:[::1]:${port}`,
      `ncat --udp 127.0.0.1 ${port}`,
    ]
  ) {
    // ncat leaves at the end of its input, so that has to wait for the answer.
    const { stdout } = await shell(
      `out=$(mktemp)
      { echo hello; until [ -s $out ]; do sleep 0.02; done; } | ${command} >$out
      cat $out; rm $out`,
    );
    assertEquals(stdout, "hello\n", command);
  }
});

Deno.test("a udp server on all addresses says what it cannot do", async () => {
  await using server = await startUdp([{ ...here, host: "0.0.0.0" }]);
  assert(server.log.some(({ message }) => message.startsWith("udp on all addresses answers from")));
});

Deno.test("a name with several addresses is that at which somebody answers", async () => {
  // Some machines have localhost for IPv4 only.
  for (const { address: host } of await lookup("localhost", { all: true })) {
    await using server = await startUdp([{ ...here, host }]);
    const endpoint = `udp://localhost:${portOf(server.endpoints[0])}`;
    const result = await yodel(["connect", endpoint, "--verify"], "one\ntwo\nthree\n");
    assertEquals(result, { code: 0, stdout: "one\ntwo\nthree\n", stderr: "" });
  }
});

Deno.test("datagrams come back through Node's sockets too, where Deno's may not be used", async () => {
  await using server = await startUdp();
  const plain = programWithNodeSockets;
  await using other = await startServer(["udp://127.0.0.1:0"], [...plain, "serve"]);
  for (const port of [portOf(server.endpoints[0]), other.port]) {
    const lines = "one\n\ntwo\n";
    const args = ["connect", `udp://127.0.0.1:${port}`, "--verify"];
    for (const command of [plain, program]) {
      const result = await run([...command, ...args], lines);
      assertEquals(result, { code: 0, stdout: lines, stderr: "" });
    }
  }
});

Deno.test("the log tells of each source once, and how many datagrams there were", async () => {
  await using server = await startServer(["udp://127.0.0.1:0", "--log-level", "debug"]);
  await yodel(["connect", ...server.endpoints], "one\ntwo\n");
  server.process.kill("SIGTERM");
  const log = await server.log;
  assertEquals(log.match(/ debug first datagram peer=127\.0\.0\.1:\d+ /gm)?.length, 1);
  assertStringIncludes(log, " info stopped datagrams_answered=2 datagrams_not_answered=0");
});

const namespaces = linux && Deno.uid() === 0 &&
  ["unshare", "nsenter", "ip"].every(available);

/** Runs a script of bash in a network of its own, with a link to each of two others. */
async function withLinks(script: string, command = program): Promise<Result> {
  const words = command.map((word) => `'${word}'`).join(" ");
  return await run([
    "unshare",
    "--net",
    "bash",
    "-c",
    `
    yodel() { ${words} "$@"; }
    serve() { # leaves the endpoint in $endpoint
      out=$(mktemp)
      (exec ${words} serve --log-level error "$1") >$out & # so that it is what is killed
      until [ -s $out ]; do sleep 0.05; done
      endpoint=$(cat $out); rm $out
    }
    trap 'kill $(jobs -p) 2>/dev/null' EXIT
    ip link set lo up
    for i in 0 1; do
      unshare --net sleep 60 & peer[$i]=$!
      until [ $(readlink /proc/$!/ns/net) != $(readlink /proc/self/ns/net) ]; do sleep 0.02; done
      ip link add here$i type veth peer name there$i
      ip link set there$i netns $!
      ip link set here$i up
      ip addr add fe80::a$i/64 dev here$i nodad
      nsenter --net --target $! ip link set there$i up
      nsenter --net --target $! ip addr add fe80::b$i/64 dev there$i nodad
    done
    ${script}`,
  ]);
}

for (
  const [sockets, command] of [
    ["Deno's", program],
    ["Node's", programWithNodeSockets],
  ] as const
) {
  Deno.test(`link-local clients get their datagrams back on every link, with ${sockets} sockets`, {
    ignore: !namespaces,
  }, async () => {
    const { stdout, stderr } = await withLinks(
      `serve udp://[::]:7000
      for i in 0 1; do
        nsenter --net --target \${peer[$i]} bash -c "$(declare -f yodel); echo $i |
          yodel connect udp://[fe80::a$i%there$i]:7000 --verify --timeout 5s"
      done`,
      command,
    );
    assertEquals({ stdout, stderr }, { stdout: "0\n1\n", stderr: "" });
  });

  Deno.test(`link-local addresses keep their zone, over TCP and UDP, with ${sockets} sockets`, {
    ignore: !namespaces,
  }, async () => {
    const { stdout, stderr } = await withLinks(
      `for scheme in tcp udp; do
        serve "$scheme://[fe80::a1%here1]:0"
        echo "$endpoint" | sed 's/:[0-9]*$//'
        echo hello | yodel connect "$endpoint" --verify --timeout 5s
      done`,
      command,
    );
    const both = ["tcp", "udp"].map((scheme) => `${scheme}://[fe80::a1%here1]\nhello\n`);
    assertEquals({ stdout, stderr }, { stdout: both.join(""), stderr: "" });
  });
}
