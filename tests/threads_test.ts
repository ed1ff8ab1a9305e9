/** Threads: what they are sent reaches them, and what is wrong with them shows. */
import { assertEquals, assertRejects } from "@std/assert";
import { startThread, ThreadError } from "../async/threads.ts";

/** Starts one of the threads of these tests. */
function start(name: string, onMessage: (message: string) => void, limit?: number) {
  const url = new URL(`./threads/${name}.ts`, import.meta.url).href;
  return startThread<string, string>({ name, url }, onMessage, limit);
}

Deno.test("a thread that is slow to listen gets what it is sent all the same", async () => {
  const { promise: answer, resolve } = Promise.withResolvers<string>();
  using thread = await start("slow", resolve);
  thread.send("its part");
  assertEquals(await Promise.race([answer, thread.failed]), "its part");
});

Deno.test("a thread that says nothing is an error, and not waited for for ever", async () => {
  await assertRejects(
    () => start("silent", () => {}, 500),
    ThreadError,
    "a thread did not begin within 0.5s",
  );
});

Deno.test("a thread without a module is an error", async () => {
  await assertRejects(() => start("missing", () => {}), ThreadError, "a thread failed: ");
});

Deno.test("what a thread fails with later is an error, too", async () => {
  using thread = await start("failing", () => {});
  thread.send("such thing");
  await assertRejects(() => thread.failed, ThreadError, "no such thing");
});
