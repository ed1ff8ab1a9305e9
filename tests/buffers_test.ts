import { assert, assertEquals } from "@std/assert";
import { BufferPool, LARGE, MAX_LARGE, SMALL } from "../server/buffers.ts";

Deno.test("a connection starts small, grows once, and what it gives back is lent again", () => {
  const pool = new BufferPool();
  const small = pool.small();
  assertEquals(small.length, SMALL);
  const large = pool.grow(small);
  assertEquals(large.length, LARGE);
  assert(pool.grow(large) === large);
  assert(pool.small() === small);
  pool.giveBack(large);
  assert(pool.grow(pool.small()) === large);
});

Deno.test("large buffers are lent up to a limit, and again after they came back", () => {
  const pool = new BufferPool();
  const large = Array.from({ length: MAX_LARGE }, () => pool.grow(pool.small()));
  assert(large.every(({ length }) => length === LARGE));
  const small = pool.small();
  assert(pool.grow(small) === small);
  for (const buffer of large) pool.giveBack(buffer);
  assertEquals(pool.grow(small).length, LARGE);
});
