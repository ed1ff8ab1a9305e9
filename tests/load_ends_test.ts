/** The load command: servers that go and come back, threads, and how it ends. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { load, type LoadOptions } from "../client.ts";
import { totalErrors } from "../client/load/result.ts";
import { generate } from "../client/load/generator.ts";
import { planLoad, planWorkers } from "../client/load/plan.ts";
import { isWithin } from "../async/pause.ts";
import { loadCommand } from "../cli/commands/load.ts";
import { parseInvocation } from "../cli/parse.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { loadText } from "../report/load_text.ts";
import { assertAddsUp, errorsOf, finish, startLoad } from "./loads.ts";
import { startCustom, startLocal } from "./local.ts";
import { inEach, PATIENT, pause, undisturbed, until } from "./machine.ts";
import { startServer } from "./program.ts";
import { deserted, startAnswering, startDatagrams, startEcho, startRelay } from "./servers.ts";

Deno.test("a server that is gone for good ends the load soon", async () => {
  const ways = [{}, { pipeline: 8 }, { rate: 1000 }, { reconnect: true }];
  await inEach<LoadOptions>(ways, async (way) => {
    await using server = startAnswering(64, (message, number) => {
      if (number === 100) server[Symbol.asyncDispose]();
      return [message];
    });
    const options = { connections: 4, messages: 1_000_000, timeout: 800, ...way };
    const { messages, examples } = await finish(server.endpoint, options);
    // Some of the last answers may have left too late.
    const found = JSON.stringify([way, messages, examples]);
    assert(messages.right >= 50 && messages.right <= 100, found);
    assertMatch(examples.join("\n"), /^connect: connection \d: connection refused$/m, found);
  });
});

Deno.test("answers that come too slowly for the remaining time are still waiting at the end", async () => {
  await using server = await startLocal({ faults: ["rate=10k"] });
  const options = { connections: 1, size: 1000, pipeline: 100, duration: 100, timeout: 400 };
  await undisturbed(async () => {
    const result = await load(server.endpoint, options);
    assertAddsUp(result);
    const { right, waiting } = result.messages;
    assert(right > 0 && waiting > 0, JSON.stringify(result.messages));
    assertEquals(totalErrors(result), 0);
  }, 200);
});

Deno.test("messages have the timeout for their answers after the end, short or long", async () => {
  // A connection that opens just when its timeout is over is lost to Deno: with datagrams there
  // is none, and the other timeout is longer than any pause of this process.
  await using silent = await startDatagrams(() => []);
  await using deaf = await startLocal({ faults: ["silent"] });
  await undisturbed(async () => {
    const short = { connections: 2, duration: 5, timeout: 15 };
    assertEquals(errorsOf(await finish(silent.endpoint, short)), { lost: 2 });
  }, 4);
  await undisturbed(async () => {
    const longer = { connections: 2, duration: 50, timeout: 500 };
    assertEquals(errorsOf(await finish(deaf.endpoint, longer)), { lost: 2 });
  });
  await using slow = await startLocal({ faults: ["delay=300ms"] });
  // As a timer the time for the last answers, or a part more than that, would be over at once.
  const long = { connections: 2, duration: 250, timeout: 2 ** 31 - 1 };
  await undisturbed(async () => {
    const { messages } = await finish(slow.endpoint, long);
    assertEquals([messages.right, messages.failed], [2, 0]);
  }, 200);
});

Deno.test("a server that is stopped, or ends all connections, ends the load soon as well", async () => {
  await using closing = startCustom(() => Promise.resolve());
  await using stopped = startAnswering(64, (message, number) => number > 100 ? [] : [message]);
  await using mute = await startDatagrams((bytes, number) => number > 100 ? [] : [bytes]);
  const ways: readonly [Endpoint, LoadOptions][] = [
    [closing.endpoint, {}],
    [stopped.endpoint, { pipeline: 8 }],
    [stopped.endpoint, { reconnect: true }],
    [mute.endpoint, { rate: 500 }],
    [mute.endpoint, { workers: 2 }],
  ];
  await inEach(ways, async ([endpoint, way]) => {
    // That of streams is also for connecting.
    const timeout = endpoint.scheme === "udp" ? 200 : 800;
    const options = { connections: 4, messages: 1_000_000, timeout, ...way };
    const { messages, errors } = await finish(endpoint, options);
    const found = JSON.stringify([endpoint, way, messages, errors]);
    // Each message fails after a timeout, or the connection after the pause before it.
    assert(messages.failed >= 8 && messages.failed < 1000, found);
  });
});

Deno.test("a server that stalls for a while ends no load that has time, nor do lost datagrams", async () => {
  let isStalled = false;
  await using server = startAnswering(64, (message) => isStalled ? [] : [message]);
  {
    const options = { connections: 4, duration: PATIENT, timeout: 100, rate: 200 };
    await using loading = startLoad(server.endpoint, { ...options, messages: 1_000_000 });
    await until(() => loading.last.messages.right > 0, "messages come back");
    isStalled = true;
    await until(() => loading.last.errors.lost >= 12, "it is known to be stopped");
    const { right } = loading.last.messages;
    isStalled = false;
    await until(() => loading.last.messages.right > right + 20, "messages come back again");
  }
  await using lossy = await startDatagrams((bytes, number) => number % 8 === 0 ? [bytes] : []);
  const few = await finish(lossy.endpoint, { connections: 1, messages: 32, timeout: 20 });
  assertEquals([few.messages.sent, few.messages.right], [32, 4]);
});

Deno.test("a server that was killed is used again once it is back", async () => {
  const endpoint = deserted();
  const start = () => startAnswering(64, (message) => [message], endpoint.port);
  await using server = start();
  await using loading = startLoad(endpoint, { connections: 4, duration: 0 });
  await until(() => loading.last.messages.right > 0, "messages come back");
  await server[Symbol.asyncDispose]();
  // Four connections break, and others are refused.
  await until(() => totalErrors(loading.last) > 4, "it is known to be gone");
  const { right } = loading.last.messages;
  await using _again = start();
  await until(() => loading.last.messages.right > right, "messages come back from the new one");
  const { connections, errors } = await loading.end();
  assert(connections > 4 && connections <= 8, `${connections} connections`);
  assertEquals(errors.broken, 4);
});

Deno.test("a load ends although its server ends every connection at once", async () => {
  // In a process of its own it is as fast as the client.
  const script = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("tcp://127.0.0.1:" + listener.addr.port);
    for await (const conn of listener) conn.close();`;
  await using server = await startServer([], [Deno.execPath(), "eval", script]);
  const [endpoint = ""] = server.endpoints;
  await inEach([{}, { reconnect: true }], async (way) => {
    // Some ends come before anything is sent, some after it.
    for (const duration of [1, 1, 1, 1, 1, 300]) {
      const result = await finish(endpoint, { connections: 2, duration, ...way });
      assertEquals(result.messages.right, 0);
      assertEquals(result.examples.filter((text) => !/: connection [12]: /.test(text)), []);
    }
  });
});

Deno.test("connections that the server ends are replaced, with any timeout", async () => {
  await inEach([0, 400, PATIENT], async (timeout) => {
    // The timeout is also that of connecting.
    await undisturbed(async () => {
      await using server = startAnswering(64, (message) => [message, "end"]);
      const { messages } = await finish(server.endpoint, { connections: 1, messages: 10, timeout });
      assertEquals(messages.sent, 10, `with a timeout of ${timeout} ms`);
    }, 200);
  });
});

Deno.test("the counts add up whenever a load is ended, without datagrams that come later", async () => {
  // In a process of its own, so that answers come while the load is being ended.
  const words = ["127.0.0.1:0", "udp://127.0.0.1:0", "--log-level", "error"];
  await using server = await startServer(words);
  const [tcp = "", udp = ""] = server.endpoints;
  // Not with `reconnect`: Deno 2.9 can lose a connection that opens just when its signal is aborted.
  for (
    const [endpoint, way] of [
      [tcp, {}],
      [tcp, { pipeline: 8 }],
      [tcp, { rate: 10_000 }],
      [udp, {}],
    ] as const
  ) {
    for (let i = 0; i < 3; i++) {
      const loading = startLoad(endpoint, { connections: 20, ...way });
      await pause(30);
      await loading.end();
    }
  }
});

Deno.test("connections that could not be opened at first are opened later", async () => {
  await using server = await startEcho("tls");
  await using relay = startRelay(server, (number) => number === 1 || number > 3);
  await using loading = startLoad(relay.endpoint, { connections: 3, duration: PATIENT });
  await until(() => loading.last.connections === 3, "all are open");
  const result = await loading.end();
  assertEquals([result.connections, errorsOf(result)], [3, { connect: 2 }]);
});

Deno.test("a load that is ended while it opens connections sends nothing", async () => {
  await using server = await startEcho("tls");
  const ended = Promise.withResolvers<boolean>();
  await using relay = startRelay(server, (number) => number === 1 || ended.promise);
  const loading = startLoad(relay.endpoint, { connections: 2 });
  await until(() => loading.last.connections === 1, "one is open");
  const result = await loading.end();
  ended.resolve(false);
  assertEquals([result.messages.sent, errorsOf(result)], [0, {}]);
});

Deno.test("threads begin together, when all of them have their connections", async () => {
  await using server = await startEcho("tls");
  const admitted = Promise.withResolvers<boolean>();
  // The last of the connections waits until the others have been open for a while.
  await using relay = startRelay(server, (number) => number < 3 || admitted.promise);
  let [waited, early] = [0, 0];
  const { messages } = await finish(relay.endpoint, {
    connections: 3,
    workers: 2,
    messages: 30,
    onProgress({ connections, messages }) {
      if (waited < 3) early += messages.sent;
      if (connections === 2 && ++waited === 3) admitted.resolve(true);
    },
  });
  assertEquals([early, messages.right], [0, 30]);
});

Deno.test("a thread that is ended before it begins does not wait for others", async () => {
  const load = planLoad(deserted(), { connections: 1, duration: 1000, timeout: PATIENT });
  const [plan] = planWorkers(load, {});
  assert(plan !== undefined);
  // The others never get so far.
  const others = new Promise<void>(() => {});
  const ended = generate(plan, () => {}, AbortSignal.abort(), () => others);
  assert(await isWithin(PATIENT, ended), "it waits for others");
  assertEquals((await ended).messages.sent, 0);
});

Deno.test("load --workers auto asks for a thread a core", () => {
  const { workers } = parseInvocation(loadCommand, ["--workers", "auto"]).flags;
  assertEquals(workers, navigator.hardwareConcurrency);
});

Deno.test("a load that ends in its warm-up has started, and not in the future", async () => {
  await using server = await startEcho();
  for (const workers of [1, 2]) {
    const begun = Date.now();
    const loading = startLoad(server.endpoint, { connections: 2, warmUp: 60_000, workers });
    await until(() => loading.last.bytes.received > 0, "bytes come back");
    const result = await loading.end();
    const started = result.started.getTime();
    assert(begun <= started && started <= Date.now(), `${begun} ${started} ${Date.now()}`);
    assertEquals(result.elapsed, 0);
    assertMatch(loadText(result), /\nmessages +0 came back right\n/);
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
