import { assert, assertEquals } from "@std/assert";
import { BufferPool, LARGE, MAX_LARGE, SMALL, TINY } from "../server/buffers.ts";

const large = (pool: BufferPool) => pool.grow(pool.grow(pool.tiny()));

Deno.test("a connection starts tiny, grows twice, and what it gives back is lent again", () => {
  const pool = new BufferPool();
  const tiny = pool.tiny();
  const small = pool.grow(tiny);
  const big = pool.grow(small);
  assertEquals([tiny, small, big].map(({ length }) => length), [TINY, SMALL, LARGE]);
  assert(pool.grow(big) === big && pool.shrink(big) === small);
  assert(pool.tiny() === tiny && large(pool) === big);
});

Deno.test("large buffers are lent up to a limit, and again after they came back", () => {
  const pool = new BufferPool();
  const lent = Array.from({ length: MAX_LARGE }, () => large(pool));
  assert(lent.every(({ length }) => length === LARGE));
  const small = large(pool);
  assertEquals(small.length, SMALL);
  assert(pool.grow(small) === small);
  for (const buffer of lent) pool.giveBack(buffer);
  assertEquals(pool.grow(small).length, LARGE);
});
