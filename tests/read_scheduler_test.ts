import { assert } from "@std/assert";
import { ReadScheduler } from "../net/read_scheduler.ts";
import { dialPort, portOf, random, startCustom, writeAll } from "./local.ts";

Deno.test("none of hundreds of busy connections waits for its turn longer than others", async () => {
  const readers = 300;
  const reads = 200;
  const size = 64;
  await using server = startCustom(async (conn) => {
    await writeAll(conn, random(reads * size));
    await conn.read(new Uint8Array(1));
  });
  const port = portOf(server.endpoint);
  const conns = await Promise.all(Array.from({ length: readers }, () => dialPort(port)));
  const scheduler = new ReadScheduler();
  const done = new Array<number>(readers).fill(0);
  let first: number | undefined;
  await Promise.all(conns.map(async (conn, i) => {
    scheduler.readers++;
    const buffer = new Uint8Array(size);
    for (let read = 0; read < reads; read++) {
      if (scheduler.isContended) await scheduler.next();
      await conn.read(buffer);
      done[i] = read + 1;
    }
    scheduler.readers--;
    // When the first is done, so are nearly all others. Without turns it is about 120 of 200.
    first ??= Math.min(...done);
    conn.close();
  }));
  await scheduler.close();
  assert(first !== undefined && first > reads * 0.9, `${first} of ${reads}`);
});
