/** Faults that a test chooses by connection and time, and changes while the server runs. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { serveMetrics } from "../metrics/metrics.ts";
import { type Endpoint, OptionError, serve, type Server } from "../server.ts";
import { open, readOnce, startFaulty, STREAMS } from "./faulty.ts";
import { dialPort, exchange, portOf, random, readBytes, startLocal, writeAll } from "./local.ts";
import { heldMemory, inEach, linux, pause, timed, undisturbed, unix, until } from "./machine.ts";
import { runHere } from "./in_process.ts";
import { available, programScript, root, run } from "./program.ts";
import { cert, folder, key } from "./servers.ts";

const LOCAL = { scheme: "tcp", host: "127.0.0.1", port: 0 } as const;
const MESSAGE = random(2000);

/** What comes back on new connections, one after the other: how many bytes, or that it is reset. */
async function answersOf(server: { endpoint: Endpoint }, count: number): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let i = 0; i < count; i++) {
    try {
      using stream = await open(server);
      answers.push((await exchange(stream, MESSAGE)).length);
    } catch {
      answers.push("broken");
    }
  }
  return answers;
}

async function untilInjected(server: Server, fault: string): Promise<void> {
  while (!(await server.counts()).faults[fault]) await pause(5);
}

/** The faults that are set. */
async function faultsOf(server: Server): Promise<string[]> {
  return Object.keys((await server.counts()).currentFaults);
}

Deno.test("@A..B: the connections with these numbers have the fault", async () => {
  const faults = ["close-after=5@2..3", "reset-after=1k@5..5", "corrupt@6..6"];
  await using server = await startFaulty("tcp", faults, { seed: 1 });
  const answers = await answersOf(server, 6);
  const [first, second, third, fourth, fifth, sixth] = answers;
  assertEquals([first, second, third, fourth, sixth], [2000, 5, 5, 2000, 2000]);
  assert(fifth === "broken" || fifth === 1024, `${fifth}`);
  const { currentFaults } = await server.counts();
  assertEquals([currentFaults[faults[0] ?? ""], currentFaults[faults[1] ?? ""]], [2, 1]);
  for (const wrong of ["refuse@0..3", "refuse@3..1", "refuse@1..x", "certificate=expired@1..2"]) {
    await assertRejects(() => startFaulty("tls", [wrong], { tls: {} }), OptionError, "fault: ");
  }
  const udp = () => startFaulty("udp", ["lose@1..2"]);
  await assertRejects(udp, OptionError, "udp has no connections");
});

Deno.test("close-at and reset-at end a connection at that time, busy or not", async () => {
  const ways = STREAMS.flatMap((scheme) => [
    ...["idle", "busy", "reads nothing"]
      .map((what) => ({ scheme, what, fault: "close-at=150ms..200ms" })),
    ...scheme === "unix" ? [] : [{ scheme, what: "busy", fault: "reset-at=150ms" }],
  ]);
  await inEach(ways, async ({ scheme, what, fault }) => {
    await using server = await startFaulty(scheme, [fault]);
    let end: unknown;
    const milliseconds = await timed(async () => {
      using stream = await open(server);
      try {
        if (what === "idle") end = await readOnce(stream);
        else if (what === "reads nothing") await writeAll(stream, new Uint8Array(50e6));
        else while ((await exchange(stream, MESSAGE)).length === MESSAGE.length);
      } catch (error) {
        end = error;
      }
    });
    const found = `${scheme}, ${fault}, ${what}: ${end} after ${milliseconds} ms`;
    assert(milliseconds > 148, found);
    // A client that writes at that moment sees that the other side is closed.
    const isClosed = what === "idle" ? end === undefined : fault.startsWith("close");
    assert(isClosed || end instanceof Error && what !== "idle", found);
    const { why, faults } = await server.story();
    assertEquals([why, faults], ["fault", fault.replace(/=.*/, "")], found);
  });
});

Deno.test("close-at sends all that was received before", async () => {
  const check = async (scheme: typeof STREAMS[number]) => {
    await using server = await startFaulty(scheme, ["close-at=100ms"]);
    using stream = await open(server);
    let received = 0;
    (async () => {
      for (;; await pause(0)) await stream.write(MESSAGE);
    })().catch(() => {});
    for (let part; (part = await readOnce(stream)) !== undefined;) received += part.length;
    assertEquals(received, (await server.story()).sent_bytes, scheme);
    assert(received > 0, scheme);
  };
  // A client that is held up for a second after the end is reset.
  await undisturbed(() => inEach(STREAMS, check), 500);
});

Deno.test("silent=SIZE: that many bytes come back, then none", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, ["silent=1500"]);
    using stream = await open(server);
    await writeAll(stream, MESSAGE);
    assertEquals(await readBytes(stream, 1500), MESSAGE.subarray(0, 1500));
    let more = false;
    stream.read(new Uint8Array(1)).then(() => more = true, () => {});
    await writeAll(stream, MESSAGE);
    await untilInjected(server, "silent");
    assertEquals(more, false);
  });
});

Deno.test("setFaults: open connections change at their next read, new ones count from 1", async () => {
  await inEach(STREAMS, async (scheme) => {
    await using server = await startFaulty(scheme, [], { resettable: true });
    using stream = await open(server);
    assertEquals(await exchange(stream, MESSAGE), MESSAGE);
    for (const times of [1, 2]) {
      await server.setFaults(["refuse@1..1", "delay=100ms"], { seed: 7 });
      assertEquals(await faultsOf(server), ["refuse@1..1", "delay=100ms"]);
      const milliseconds = await timed(() => exchange(stream, MESSAGE));
      assert(milliseconds > 98, `${scheme}: ${milliseconds} ms`);
      const [refused, ...others] = await answersOf(server, 3);
      assert(refused === 0 || refused === "broken", `${scheme}: ${refused}`);
      assertEquals(others, [2000, 2000]);
      const { faults, currentFaults } = await server.counts();
      assertEquals([faults.refuse, currentFaults["refuse@1..1"]], [times, 1], scheme);
    }
    await server.setFaults(["silent"]);
    await writeAll(stream, MESSAGE);
    await untilInjected(server, "silent");
    await server.setFaults(["stall=1h"]);
    await writeAll(stream, MESSAGE);
    await untilInjected(server, "stall");
    // What was held comes at once, and what was swallowed is not waited for.
    await server.setFaults([]);
    assertEquals(await readBytes(stream, MESSAGE.length), MESSAGE);
    assertEquals(await exchange(stream, MESSAGE), MESSAGE);
    assertEquals(await faultsOf(server), []);
    assertEquals(server.logged("faults changed").length, 5);
    assertEquals(server.logged("faults changed").at(-1)?.fields, { faults: "none" });
    await server.stop();
    assertEquals(server.logged("closed before it was finished"), [], scheme);
  });
});

Deno.test("the same set with the same seed does the same to new connections", async () => {
  await using server = await startFaulty("tcp", []);
  async function answers(seed?: number): Promise<Uint8Array[]> {
    await server.setFaults(["corrupt@1%", "close-after=1k..2k@2..2"], { seed });
    using first = await open(server);
    using second = await open(server);
    return [await exchange(first, MESSAGE), await exchange(second, MESSAGE)];
  }
  const expected = await answers(7);
  assertEquals(await answers(7), expected);
  assert((await answers()).join() !== expected.join(), "another seed does something else");
});

Deno.test("an impossible set is refused, and the old one stays", async () => {
  await using server = await startFaulty("tls", ["delay=1ms"], { tls: {}, seed: 3 });
  for (
    const [fault, what] of [
      ["dealy=1ms", "did you mean delay?"],
      ["certificate=expired", "certificate can only be set when the server starts"],
      ["reset-after=5", "this server cannot reset connections"],
      ["reset-at=5s", "this server cannot reset connections"],
      ["reorder", "reorder is for udp"],
    ] as const
  ) {
    await assertRejects(() => server.setFaults(["rate=1", fault]), OptionError, what);
  }
  await assertRejects(() => server.setFaults([], { seed: 1 }), OptionError);
  assertEquals(await faultsOf(server), ["delay=1ms"]);
  assertEquals(server.logged("faults changed"), []);
});

/** A server, and how its faults are asked for over HTTP. */
async function startControlled() {
  const server = await serve(LOCAL, { resettable: true, drain: 1 });
  const control = await serveMetrics(LOCAL, "1", () => true, {}, () => server);
  const url = control.urls[0] ?? "";
  const ask = async (body?: unknown, init: RequestInit = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const put = body === undefined ? {} : { method: "PUT", body: text };
    const answer = await fetch(url, { ...put, ...init });
    return [answer.status, await answer.text()] as const;
  };
  return {
    server,
    url,
    ask,
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

Deno.test("HTTP: GET has the faults with their counts, PUT changes them or says why not", async () => {
  await using controlled = await startControlled();
  const { server, url, ask } = controlled;
  const [endpoint] = server.endpoints;
  assert(endpoint !== undefined);
  assertEquals(await ask(), [200, '{"faults":[],"injected":{}}\n']);
  const set = { faults: ["reset-after=10@1..2", "delay=1ms"], seed: 7 };
  const zero = {
    faults: set.faults.toReversed(),
    seed: 7,
    injected: { "delay=1ms": 0, "reset-after=10@1..2": 0 },
  };
  assertEquals(await ask(set), [200, JSON.stringify(zero) + "\n"]);
  assertEquals((await answersOf({ endpoint }, 3)).at(2), 2000);
  const [, state] = await ask();
  assertEquals(JSON.parse(state).injected["reset-after=10@1..2"], 2);
  // What GET says can be given to PUT.
  assertEquals(await ask(state), [200, JSON.stringify(zero) + "\n"]);
  const json = 'expected JSON such as {"faults": ["delay=20ms"], "seed": 7}\n';
  for (const wrong of ["{", "[]", "null", "{}", '{"faults":""}', '{"faults":[],"sed":7}']) {
    assertEquals(await ask(wrong), [400, json], wrong);
  }
  const unknown = '--fault: unknown fault "dealy"; did you mean delay?\n';
  assertEquals(await ask({ faults: ["dealy=1s"] }), [400, unknown]);
  assertEquals(server.faults, zero.faults);
  assertEquals((await ask({ faults: [], seed: 7 }))[0], 200);
  const metrics = await fetch(url.replace("faults", "metrics"));
  assertMatch(await metrics.text(), /^yodel_build_info/m);
  const { stderr } = await runHere(["serve", "--control", "0", "--metrics", "0"]);
  assertEquals(
    stderr,
    "yodel: --metrics cannot be used with --control, which serves the same pages\n",
  );
});

Deno.test("HTTP: browsers, other methods and long bodies are refused", async () => {
  await using controlled = await startControlled();
  const { url, ask } = controlled;
  const { host, port } = new URL(url);
  assertEquals((await ask({ faults: ["refuse"] }, { headers: { origin: "http://a.b" } }))[0], 403);
  assertEquals((await ask(undefined, { method: "DELETE" }))[0], 405);
  assertEquals((await ask({ faults: ["x".repeat(20_000)] }))[0], 400);
  const statusOf = async (lines: string[]) => {
    using conn = await dialPort(Number(port));
    await writeAll(conn, new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
    return Number(new TextDecoder().decode(await readBytes(conn, 1000)).slice(9, 12));
  };
  for (const name of ["evil.example", `evil.example:${port}`, "localhost.evil.example"]) {
    assertEquals(await statusOf(["GET /faults HTTP/1.1", `Host: ${name}`]), 403, name);
  }
  for (const name of [host, `localhost:${port}`, "[::1]", "LOCALHOST"]) {
    assertEquals(await statusOf(["GET /faults HTTP/1.1", `Host: ${name}`]), 200, name);
  }
  assertEquals(await statusOf(["PUT /faults HTTP/1.1", `Host: ${host}`]), 400);
  const chunked = ["PUT /faults HTTP/1.1", "Host: [::1]", "Transfer-Encoding: chunked"];
  assertEquals(await statusOf(chunked), 411);
  assertEquals(controlled.server.faults, []);
});

Deno.test("the numbers of connections are those of all threads", { ignore: !linux }, async () => {
  await using server = await startFaulty("tcp", [], { workers: 2 });
  for (const count of [3, 5, 1]) {
    const fault = `close-after=9@1..${count}`;
    await server.setFaults([fault]);
    const answers = await answersOf(server, 10);
    assertEquals(answers.map((length) => length === 9), answers.map((_, i) => i < count));
    assertEquals((await server.counts()).currentFaults, { [fault]: count });
  }
  assertEquals((await server.counts()).faults["close-after"], 9);
});

/** A socket of datagrams that reads and writes as a connection does. */
function datagramsTo(endpoint: Endpoint) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port: portOf(endpoint) } as const;
  return {
    write: (bytes: Uint8Array) => socket.send(bytes, to),
    async read(into: Uint8Array) {
      const [bytes] = await socket.receive();
      into.set(bytes);
      return bytes.length;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

Deno.test("1,000 changes under 50 busy connections break none, and what is wrong adds up", async () => {
  const endpoints = ["tcp://127.0.0.1:0", "tls://127.0.0.1:0", "udp://127.0.0.1:0"];
  if (unix) endpoints.push(`unix:${folder}/changing.sock`);
  const options = { workers: linux ? 2 : 1, tls: { cert, key }, drain: 0 };
  const server = await startLocal(options, endpoints);
  let [exchanges, wrong, stopped] = [0, 0, false];
  const streams = Array.from({ length: 50 }, (_, i) => server.endpoints[i % endpoints.length]);
  const clients = streams.map(async (endpoint) => {
    assert(endpoint !== undefined);
    using stream = endpoint.scheme === "udp" ? datagramsTo(endpoint) : await open({ endpoint });
    while (!stopped) {
      const message = random(50 + Math.floor(Math.random() * 3000));
      const answer = await exchange(stream, message);
      assertEquals(answer.length, message.length);
      wrong += message.filter((byte, i) => byte !== answer[i]).length;
      exchanges++;
    }
  });
  const failed = Promise.all(clients);
  const sets = [
    ["delay=0..2ms"],
    ["corrupt@1e-3"],
    ["rate=50m"],
    [],
    ["delay=1ms", "corrupt@1e-4", "stall=1ms"],
    ["delay=2ms@10%", "rate=100m"],
  ];
  let held = NaN;
  for (let i = 1; i <= 1000; i++) {
    const before = exchanges;
    await server.setFaults(sets[i % sets.length] ?? []);
    if (i % 10 === 0) await Promise.race([failed, until(() => exchanges > before, "they go on")]);
    if (i === 200) held = heldMemory();
  }
  const grown = heldMemory() - held;
  assert(grown < 8e6, `${grown} bytes more are held`);
  stopped = true;
  await failed;
  await server.stop();
  const { faults: { corrupt }, connections } = await server.counts();
  assertEquals(corrupt, wrong);
  assert(wrong > 0 && exchanges > 1000, `${exchanges} exchanges, ${wrong} bytes`);
  const ended = server.log.filter(({ message }) => message.startsWith("closed"));
  assertEquals(new Set(ended.map(({ fields }) => fields.why)), new Set(["eof"]));
  for (const { received, sent } of Object.values(connections)) assertEquals(received, sent);
  const corrupted = [...ended, server.log.at(-1)]
    .map((line) => Number(line?.fields.corrupted_bytes ?? 0));
  assertEquals(corrupted.reduce((sum, bytes) => sum + bytes), wrong);
});

for (
  const [recipe, command] of [
    ["retries.mjs", ["node"]],
    ["retries.py", ["python3"]],
    ["breaker.ts", [Deno.execPath(), "test", "--no-check", "--allow-net", "--allow-read"]],
  ] as const
) {
  Deno.test(`the recipe ${recipe} works`, {
    ignore: recipe !== "breaker.ts" && !available(command[0]),
  }, async () => {
    const place = await Deno.makeTempDir();
    await Deno.writeTextFile(`${place}/yodel`, programScript, { mode: 0o755 });
    const call = [...command, `${root}tests/recipes/${recipe}`].join(" ");
    const { code, stdout, stderr } = await run(["sh", "-c", `PATH='${place}':"$PATH" ${call}`]);
    assertEquals(code, 0, stdout + stderr);
    await Deno.remove(place, { recursive: true });
  });
}
