/** The load command: servers that go and come, threads, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { load, type LoadOptions, type LoadProgress } from "../client.ts";
import { addProgress, totalErrors } from "../client/load/result.ts";
import { generate } from "../client/load/generator.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import { assertAddsUp, BOUND, errorsOf, finish } from "./loads.ts";
import {
  inEach,
  PATIENT,
  pause,
  readBytes,
  startCustom,
  startLocal,
  until,
  writeAll,
} from "./local.ts";
import { program, run, startServer, yodel } from "./program.ts";
import { deserted, startAnswering, startDatagrams, startEcho } from "./servers.ts";

Deno.test("a server that is gone for good ends the load soon", async () => {
  const ways = [{}, { pipeline: 8 }, { rate: 1000 }, { reconnect: true }];
  await inEach<LoadOptions>(ways, async (way) => {
    await using server = startAnswering(64, (message, number) => {
      if (number === 100) server[Symbol.asyncDispose]();
      return [message];
    });
    const options = { connections: 4, messages: 1_000_000, timeout: 300, ...way };
    const { messages, examples } = await finish(server.endpoint, options, BOUND);
    // Some of the last answers may have left too late.
    const told = JSON.stringify([way, messages, examples]);
    assert(messages.right >= 50 && messages.right <= 100, told);
    assertMatch(examples.join("\n"), /^connect: connection \d: connection refused$/m, told);
  });
});

Deno.test("what comes back too slowly for the time that is left is under way at the end", async () => {
  const slow = ["127.0.0.1:0", "--fault", "rate=10k", "--log-level", "error"];
  await using server = await startServer(slow);
  const time = ["-d", "100ms", "--timeout", "400ms", "--json"];
  const words = ["load", `127.0.0.1:${server.port}`, "-c", "1", "-s", "1k", "--pipeline", "100"];
  const { code, stdout } = await run([...program, ...words, ...time]);
  const { messages, errors } = JSON.parse(stdout);
  assert(messages.right > 0 && messages.waiting > 0, stdout);
  assertEquals([code, errors.total], [1, 0]);
});

Deno.test("what does not come back after the end is lost, and has its time, short or long", async () => {
  await using silent = await startLocal({ faults: ["silent"] });
  const short = { connections: 2, duration: 5, timeout: 15 };
  assertEquals(errorsOf(await finish(silent.endpoint, short, BOUND)), { lost: 2 });
  await using slow = await startLocal({ faults: ["delay=300ms"] });
  // As a timer the time for the last answers, or a part more than that, would be over at once.
  const long = { connections: 2, duration: 100, timeout: 2 ** 31 - 1 };
  const { messages } = await finish(slow.endpoint, long, BOUND);
  assertEquals([messages.right, messages.failed], [2, 0]);
});

Deno.test("a server that is stopped, or ends all connections, ends the load soon as well", async () => {
  await using closing = startCustom(() => Promise.resolve());
  const all = await finish(closing.endpoint, { connections: 1, messages: 10, timeout: 100 });
  assertEquals([all.messages.failed, all.gaveUp], [10, false]);
  for (const name of ["127.0.0.1:0", "udp://127.0.0.1:0"]) {
    await using server = await startServer([name, "--log-level", "error"]);
    const stopped = parseEndpoint(server.endpoints[0] ?? "") ?? closing.endpoint;
    const options = { connections: 4, messages: 1_000_000, timeout: 200 };
    const loads = [{ rate: 5000 }, { pipeline: 8 }, { workers: 2 }].map((way) =>
      finish(stopped, { ...options, ...way }, 3 * BOUND)
    );
    const ended = finish(closing.endpoint, options, BOUND);
    await pause(500);
    server.process.kill("SIGSTOP");
    for (const { messages, gaveUp, errors } of [await ended, ...await Promise.all(loads)]) {
      const told = JSON.stringify([name, messages, errors]);
      assert(gaveUp && messages.failed >= 8 && messages.failed < 1000, told);
    }
  }
});

Deno.test("a server that stalls for a while ends no load that has time, nor do lost datagrams", async () => {
  await using server = await startServer(["127.0.0.1:0", "--log-level", "error"]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  let last = addProgress();
  const onProgress = (now: LoadProgress) => void (last = now);
  const options = { connections: 4, duration: 3000, timeout: 100, messages: 1_000_000 };
  const loading = finish(endpoint, { ...options, rate: 1000, onProgress });
  await until(() => last.messages.right > 0, "messages come back");
  server.process.kill("SIGSTOP");
  await until(() => last.errors.lost >= 12, "it is known to be stopped");
  const { right } = last.messages;
  server.process.kill("SIGCONT");
  const { messages, gaveUp, elapsed } = await loading;
  assert(!gaveUp && messages.right > right + 100 && elapsed >= 2999, JSON.stringify(messages));
  await using lossy = await startDatagrams((bytes, number) => number % 8 === 0 ? [bytes] : []);
  const few = await finish(lossy.endpoint, { connections: 1, messages: 32, timeout: 20 });
  assertEquals([few.messages.sent, few.messages.right, few.gaveUp], [32, 4, false]);
});

Deno.test("a server that was killed is used again once it is back", async () => {
  const start = (port: number) => startServer([`127.0.0.1:${port}`, "--log-level", "error"]);
  await using server = await start(0);
  const stop = new AbortController();
  let last = addProgress();
  const loading = load({ scheme: "tcp", host: "127.0.0.1", port: server.port }, {
    connections: 4,
    duration: 0,
    timeout: PATIENT,
    signal: stop.signal,
    onProgress: (now) => void (last = now),
  });
  try {
    await until(() => last.messages.right > 0, "messages come back");
    server.process.kill("SIGKILL");
    // Four connections break, and others are refused.
    await until(() => totalErrors(last) > 4, "it is known to be gone");
    const { right } = last.messages;
    await using again = await start(server.port);
    await until(() => last.messages.right > right, `messages come back from ${again.endpoints}`);
    stop.abort();
    const result = await loading;
    assertAddsUp(result);
    assert(result.connections > 4 && result.connections <= 8, `${result.connections} connections`);
    assertEquals(result.errors.broken, 4);
  } finally {
    stop.abort();
    await loading;
  }
});

Deno.test("a server that ends every connection at once is no reason to wait for ever", async () => {
  // In a process of its own it is as fast as the client.
  const script = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("tcp://127.0.0.1:" + listener.addr.port);
    for await (const conn of listener) conn.close();`;
  await using server = await startServer([], [Deno.execPath(), "eval", script]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  await inEach([{}, { reconnect: true }], async (way) => {
    // Some ends come before anything is sent, some after it.
    for (const duration of [1, 1, 1, 1, 1, 300]) {
      const result = await finish(endpoint, { connections: 2, duration, ...way }, BOUND);
      assertEquals(result.messages.right, 0);
      assertEquals(result.examples.filter((text) => !/: connection [12]: /.test(text)), []);
    }
  });
});

Deno.test("connections that the server ends are replaced, whatever the timeout", async () => {
  await inEach([0, 50, PATIENT], async (timeout) => {
    await using server = startAnswering(64, (message) => [message, "end"]);
    const { messages } = await finish(server.endpoint, { connections: 1, messages: 10, timeout });
    assertEquals(messages.sent, 10, `with a timeout of ${timeout} ms`);
  });
});

Deno.test("the counts add up, whenever it is ended", async () => {
  // In a process of its own, so that answers come while the load is being ended.
  await using server = await startServer(["127.0.0.1:0", "--log-level", "error"]);
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port: server.port } as const;
  // Not with `reconnect`: Deno 2.9 can lose a connection that opens just when its signal is aborted.
  const ways = [{}, { pipeline: 8 }, { rate: 10_000 }];
  for (const way of [...ways, ...ways]) {
    const stop = new AbortController();
    const loading = load(endpoint, { connections: 20, signal: stop.signal, ...way });
    await pause(30);
    stop.abort();
    assertAddsUp(await loading);
  }
});

Deno.test("datagrams that come after the end do not count", async () => {
  await using server = await startEcho("udp");
  for (let i = 0; i < 10; i++) {
    const stop = new AbortController();
    const loading = load(server.endpoint, { connections: 20, signal: stop.signal });
    await pause(20);
    stop.abort();
    assertAddsUp(await loading);
  }
});

Deno.test("connections that were refused at first are opened later", async () => {
  const { port } = deserted() as { port: number };
  const endpoint = { scheme: "tcp", host: "127.0.0.1", port } as const;
  const first = Deno.listen({ hostname: "127.0.0.1", port });
  const echo = async (conn: Deno.Conn) => {
    for (let bytes; (bytes = await readBytes(conn, 64)).length > 0;) await writeAll(conn, bytes);
    conn.close();
  };
  const serving = (async () => {
    const served = [echo(await first.accept())];
    first.close(); // From now on, for a while, others are refused.
    await pause(150);
    const second = Deno.listen({ hostname: "127.0.0.1", port });
    served.push(echo(await second.accept()), echo(await second.accept()));
    second.close();
    await Promise.all(served);
  })();
  const result = await finish(endpoint, { connections: 3, connectRate: 50, duration: 800 });
  await serving;
  assertEquals(result.connections, 3);
  assert(result.errors.connect > 0);
});

Deno.test("threads begin together, when all of them have their connections", async () => {
  const came: number[] = [];
  await using server = startAnswering(64, (message) => {
    came.push(performance.now());
    return [message];
  });
  // The last of the connections is opened half a second after the first.
  const options = { connections: 3, workers: 2, connectRate: 4, duration: 200 };
  const { elapsed } = await finish(server.endpoint, options);
  const [first = 0] = came;
  const last = came.at(-1) ?? Infinity;
  // A slow machine may be late with the start of one.
  assert(last - first < elapsed + 250, `${last - first} ms, in ${elapsed} ms`);
});

Deno.test("a thread that is told to end before it begins waits for no other", async () => {
  const load = planLoad(deserted(), { connections: 1, duration: 1000, timeout: PATIENT });
  const [plan] = planWorkers(load, {});
  assert(plan !== undefined);
  // The others never get so far.
  const others = new Promise<void>(() => {});
  const ended = generate(plan, () => {}, AbortSignal.abort(), () => others);
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const tooLong = setTimeout(resolve, BOUND);
  const first = await Promise.race([ended, late]);
  clearTimeout(tooLong);
  assertEquals(first?.messages.sent, 0);
});

Deno.test("a thread that may not be started is one line and status 2", async () => {
  await using server = await startEcho();
  const command = program.filter((word) => word !== "--allow-read");
  const words = ["load", ...server.words, "--workers", "2", "-n10"];
  assertEquals(await run([...command, ...words]), {
    code: 2,
    stdout: "",
    stderr: "yodel: cannot start a thread without --allow-read\n",
  });
});

Deno.test("load --workers auto asks for a thread a core", async () => {
  await using server = await startEcho();
  const words = ["load", ...server.words, "--workers", "auto", "-n1", "--json"];
  const { code, stdout } = await yodel(words);
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).settings.workers, navigator.hardwareConcurrency);
});

Deno.test("a load that ends in its warm-up has begun, and not in time to come", async () => {
  await using server = await startEcho();
  for (const workers of [1, 2]) {
    const stop = new AbortController();
    const begun = Date.now();
    const onProgress = ({ bytes }: LoadProgress) => void (bytes.received > 0 && stop.abort());
    const options = { connections: 2, warmUp: 60_000, workers, signal: stop.signal, onProgress };
    const { started, elapsed } = await load(server.endpoint, options);
    const told = `${begun} ${started.getTime()} ${Date.now()}`;
    assert(begun <= started.getTime() && started.getTime() <= Date.now(), told);
    assertEquals(elapsed, 0);
  }
});

Deno.test("a load that was ended leaves nothing behind", async () => {
  const stop = new AbortController();
  await using server = startAnswering(64, (message) => {
    setTimeout(() => stop.abort(), 20);
    return [message];
  });
  // The next message would be due in a second; the test run looks whether somebody waits for it.
  const options = { connections: 1, rate: 1, signal: stop.signal };
  assertEquals((await load(server.endpoint, options)).messages.sent, 1);
});

Deno.test("loads at the same time, and one after the other, do not disturb each other", async () => {
  await using right = await startEcho();
  await using wrong = startAnswering(64, (message) => [message.map((byte) => byte ^ 1)]);
  for (const _ of [1, 2]) {
    const results = await Promise.all([
      finish(right.endpoint, { messages: 500, connections: 5 }),
      finish(wrong.endpoint, { messages: 3, connections: 3 }),
      finish(right.endpoint, { messages: 100, connections: 10, pipeline: 4, size: 1000 }),
      finish(right.endpoint, { messages: 30, connections: 2, workers: 2 }),
    ]);
    assertEquals(results.map((result) => [result.messages.right, result.bytes.received]), [
      [500, 32_000],
      [0, 192],
      [100, 100_000],
      [30, 1920],
    ]);
    assertEquals(results.map(errorsOf), [{}, { altered: 3 }, {}, {}]);
  }
});
