/** Threads: their functions can be called, and what is wrong with them shows. */
import { assertEquals, assertRejects } from "@std/assert";
import { startThread, ThreadError } from "../async/threads.ts";
import { YodelError } from "../errors/yodel_error.ts";

/** The functions of the threads of these tests. */
type Tested = {
  readonly echo: (message: string) => string;
  readonly wait: () => void;
  readonly fail: (message: string) => void;
  readonly refuse: (message: string) => void;
};

/** Starts one of the threads of these tests. */
function start(name = "tested") {
  const url = new URL(`./threads/${name}.ts`, import.meta.url).href;
  return startThread<Tested>({ name, url }, {});
}

Deno.test("a thread that is slow to start gets its messages all the same", async () => {
  using thread = await start();
  assertEquals(await thread.call("echo", "its part"), "its part");
});

Deno.test("a thread without a module is an error", async () => {
  await assertRejects(() => start("missing"), ThreadError, "a thread failed: ");
});

Deno.test("a thread that fails later is an error, too", async () => {
  using thread = await start();
  const waiting = assertRejects(() => thread.call("wait"), ThreadError, "no such thing");
  await assertRejects(() => thread.call("fail", "such thing"), ThreadError, "no such thing");
  await waiting;
  await assertRejects(() => thread.call("echo", "x"), ThreadError, "no such thing");
});

Deno.test("an error for users reaches the caller, and the thread goes on", async () => {
  using thread = await start();
  for (const what of ["one", "two"]) {
    const error = await assertRejects(() => thread.call("refuse", what), YodelError, `no ${what}`);
    assertEquals(error instanceof ThreadError, false);
  }
});

Deno.test("calls of a thread that has ended fail", async () => {
  const thread = await start();
  const waiting = assertRejects(() => thread.call("echo", "x"), ThreadError, "has ended");
  thread[Symbol.dispose]();
  await waiting;
});
