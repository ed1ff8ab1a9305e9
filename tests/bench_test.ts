/** The tables and the chart of the benchmark, and the servers that it lists. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { chart } from "../bench/chart.ts";
import type { Section } from "../bench/figures.ts";
import { replaced } from "../bench/page.ts";
import { SERVERS } from "../bench/servers.ts";
import { tables } from "../bench/table.ts";
import { root } from "./program.ts";

const speed = { name: "tcp", title: "tcp, 50 × 64 B", unit: "round trips/s", isSpeed: true };
const start = { name: "start", title: "its start", unit: "ms", isSpeed: false };
const section: Section = {
  title: "Servers",
  programs: { c: "C", yodel: "yodel", absent: "absent" },
  figures: [speed, start],
  values: { tcp: { c: [2e5, null, 1.2e5], yodel: [6e4, 7e4, 9e4] }, start: { c: [2] } },
};
Deno.test("the tables have shares of the same rounds, costs, and all medians with their spread", () => {
  assertEquals(
    tables({ sections: [section] }),
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

Deno.test("the chart has a bar for each server but the first, which is the measure", () => {
  const svg = chart({ sections: [section] });
  const texts = svg.match(/>(yodel|0\.53|tcp, 50 × 64 B)</g);
  assertEquals(texts, [">tcp, 50 × 64 B<", ">yodel<", ">0.53<"]);
  assertEquals(svg.match(/width="33.6" height="16" class="yodel"/g)?.length, 1);
});

Deno.test("what is between the two comments of a page is replaced", async () => {
  const page = replaced("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", "new");
  assertEquals(page, "before\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nafter\n");
  await assertRejects(() => Promise.try(() => replaced("no place", "new")), Error);
  const text = await Deno.readTextFile(`${root}docs/performance.md`);
  assertMatch(replaced(text, "new"), /\n<!-- bench -->\n\nnew\n\n<!-- \/bench -->\n/);
});

Deno.test("every server of the benchmark has its file, and every file is one's", async () => {
  const files = await Array.fromAsync(Deno.readDir(`${root}bench/peers`), ({ name }) => name);
  const named = SERVERS.map(({ file }) => file).filter((file) => !file.startsWith("../"));
  assertEquals(files.toSorted(), named.toSorted());
});
