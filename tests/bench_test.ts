/** The tables of the benchmark, and their place in its page. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Result, Section } from "../bench/figures.ts";
import { replaced } from "../bench/page.ts";
import { tables } from "../bench/table.ts";

const speed = { name: "tcp", title: "tcp, 50 × 64 B", unit: "round trips/s", isSpeed: true };
const start = { name: "start", title: "its start", unit: "ms", isSpeed: false };
const section: Section = {
  title: "Servers",
  programs: { c: "C", yodel: "yodel", absent: "absent" },
  figures: [speed, start],
  values: { tcp: { c: [2e5, null, 1.2e5], yodel: [6e4, 7e4, 9e4] }, start: { c: [2] } },
};
const result: Result = {
  date: "2026-01-01T00:00:00.000Z",
  machine: "a machine",
  versions: {},
  ...{ rounds: 3, seconds: 1, minutes: 1 },
  sections: [section],
};

Deno.test("the tables have shares of the same rounds, costs, and all medians with their spread", () => {
  assertEquals(
    tables(result),
    `### Servers

As a share of C in the same round, more is better:

|  | C | yodel |
| --- | ---: | ---: |
| tcp, 50 × 64 B, round trips/s | 1.00 | 0.53 (0.30–0.75) |

<details><summary>As numbers</summary>

|  | C | yodel |
| --- | ---: | ---: |
| tcp, 50 × 64 B, round trips/s | 160k (120k–200k) | 70.0k (60.0k–90.0k) |

</details>

Costs, less is better:

|  | C | yodel |
| --- | ---: | ---: |
| its start, ms | 2.00 | – |

`,
  );
});

Deno.test("what is between the two comments of a page is replaced", async () => {
  const page = replaced("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", "new");
  assertEquals(page, "before\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nafter\n");
  await assertRejects(() => Promise.try(() => replaced("no place", "new")), Error);
});
