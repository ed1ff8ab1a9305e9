import { assert, assertEquals } from "@std/assert";
import { commands } from "../cli/commands.ts";
import { root } from "./program.ts";

/** The folders and modules that each folder may import (docs/development.md, "Rooms"). */
const ROOMS: Record<string, string> = {
  "main.ts": "cli async",
  "cli": "server.ts client.ts server client report metrics values net async errors",
  "report": "client net errors",
  "metrics": "server.ts client.ts server net errors",
  "server.ts": "server net async errors",
  "client.ts": "client net async errors",
  "server": "values net async errors",
  "client": "values net async errors",
  "values": "errors",
  "net": "async errors",
  "async": "errors",
  "errors": "",
};

/** The modules of the product and the tests, with their texts, by their path from the root. */
const modules = new Map(
  await Array.fromAsync(modulesIn(""), async (path) => {
    return [path, await Deno.readTextFile(root + path)] as const;
  }),
);

const product = [...modules.keys()].filter((path) => roomOf(path) in ROOMS);
const tests = [...modules.keys()].filter((path) => roomOf(path) === "tests");

function linesOf(path: string): number {
  return (modules.get(path) ?? "").split("\n").length - 1;
}

async function* modulesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
    if (name.startsWith(".") || ["node_modules", "dist", "coverage"].includes(name)) continue;
    if (isDirectory) yield* modulesIn(`${folder}${name}/`);
    else if (name.endsWith(".ts")) yield folder + name;
  }
}

function roomOf(path: string): string {
  return path.replace(/\/.*/, "");
}

/** What a module imports of the project, types and threads as well. */
function importsOf(path: string): string[] {
  const text = modules.get(path) ?? "";
  const found = text.matchAll(/(?:\bfrom |\bimport\(|^import |new URL\()"(\.{1,2}\/[^"]+\.ts)"/gm);
  return [...found].map(([, to = ""]) => new URL(to, `file:///${path}`).pathname.slice(1));
}

/** These modules, and all that they import, also by way of others. */
function reachable(from: readonly string[]): Set<string> {
  const reached = new Set(from);
  // The loop also goes over what is added in it.
  for (const path of reached) for (const to of importsOf(path)) reached.add(to);
  return reached;
}

Deno.test("at the top stand the three doors and nothing else in TypeScript", () => {
  assertEquals(
    [...modules.keys()].filter((path) => !path.includes("/")).toSorted(),
    ["client.ts", "main.ts", "server.ts"],
  );
});

Deno.test("rooms import from those below them only", () => {
  const upward = product.flatMap((path) => {
    const allowed = [roomOf(path), "deno.json", ...(ROOMS[roomOf(path)] ?? "").split(" ")];
    return importsOf(path).filter((to) => !allowed.includes(roomOf(to)))
      .map((to) => `${path} imports ${to}`);
  });
  assertEquals(upward, []);
});

Deno.test("no module imports itself by way of others, not even types", () => {
  assertEquals(product.filter((path) => reachable(importsOf(path)).has(path)), []);
});

Deno.test("only net/ knows the transports by name; all else asks their table for a trait", () => {
  const outside = product.filter((path) => roomOf(path) !== "net" && !/\/fault/.test(path));
  const compares = /\bscheme\)? *[!=]==|[!=]== *"(tcp|tls|udp|unix)"|case "(tcp|tls|udp|unix)"/;
  assertEquals(outside.filter((path) => compares.test(modules.get(path) ?? "")), []);
  const lists = /\[[^\]]*"(tcp|tls|udp|unix)", *"(tcp|tls|udp|unix)"/;
  assertEquals(outside.filter((path) => lists.test(modules.get(path) ?? "")), []);
});

Deno.test("main.ts alone exits and reads arguments", () => {
  const others = product.filter((path) => path !== "main.ts");
  const found = others.filter((path) => /Deno\.(exit\(|args\b)/.test(modules.get(path) ?? ""));
  assertEquals(found, []);
});

Deno.test("the library does without packages from JSR", () => {
  const reached = reachable(["server.ts", "client.ts"]);
  assert(reached.size > 30, "the library is more than that");
  assertEquals([...reached].filter((path) => /"jsr:/.test(modules.get(path) ?? "")), []);
});

Deno.test("no file is too long to be read in one go", () => {
  assert(linesOf("main.ts") < 80, `main.ts has ${linesOf("main.ts")} lines`);
  assertEquals(product.filter((path) => linesOf(path) > 250), []);
  assertEquals(tests.filter((path) => linesOf(path) > 500), []);
});

Deno.test("the whole stays within its size, which is lowered as it becomes smaller", () => {
  const sum = (paths: string[]) => paths.reduce((lines, path) => lines + linesOf(path), 0);
  const flags = new Set(Object.values(commands).flatMap(({ flags }) => Object.keys(flags)));
  const sizes = [
    [product.length, 125, "files of the product"],
    [sum(product), 10_250, "lines of the product"],
    [sum(tests), 11_000, "lines of tests"],
    [flags.size, 46, "flags"],
  ] as const;
  for (const [size, limit, what] of sizes) assert(size <= limit, `${size} ${what}, over ${limit}`);
});

Deno.test("the README and docs/ stay short enough to be read", async () => {
  const length = async (path: string) => (await Deno.readTextFile(root + path)).split("\n").length;
  const pages = (await Array.fromAsync(Deno.readDir(`${root}docs`), ({ name }) => name))
    .filter((name) => name.endsWith(".md"));
  const lengths = await Promise.all(pages.map((page) => length(`docs/${page}`)));
  assert(await length("README.md") <= 141, "the README is longer than 140 lines");
  assert(pages.length <= 8, `${pages.length} pages, and 8 are the most`);
  const lines = lengths.reduce((sum, lines) => sum + lines) - pages.length;
  assert(lines <= 1500, `${lines} lines in docs/, and 1,500 are the most`);
});

Deno.test("what comments cite of docs/development.md is there", async () => {
  const document = await Deno.readTextFile(`${root}docs/development.md`);
  let citations = 0;
  for (const path of product) {
    const text = (modules.get(path) ?? "").replace(/\n\s*(?:\*|\/\/) /g, " ");
    for (
      const [, section = "", rules = ""] of text.matchAll(
        /docs\/development\.md, "([^"]+)"(?:, rules? ([\d, and]+\d|\d))?/g,
      )
    ) {
      citations++;
      const [, body] = document.split(`\n## ${section}\n`);
      assert(body !== undefined, `${path} cites "${section}", which is not there`);
      for (const rule of rules.match(/\d+/g) ?? []) {
        assert(body.split("\n## ")[0]?.includes(`\n${rule}. `), `${path} cites rule ${rule}`);
      }
    }
  }
  assert(citations >= 8, `${citations} citations were found`);
});

Deno.test("every file that docs/development.md names with its folder is there", async () => {
  const document = await Deno.readTextFile(`${root}docs/development.md`);
  const named = document.match(/(?<![\w./])(?:[a-z_]+\/)+[a-z_]+\.ts\b/g) ?? [];
  assert(named.length > 40, `${named.length} were found`);
  assertEquals(named.filter((path) => !modules.has(path)), []);
});
