/** What is in packaging/, as far as it can be checked without Docker, a cluster and a running systemd. */
import { assert, assertEquals } from "@std/assert";
import { validate } from "npm:dockerfile-utils@0.16.3";
import { parseAllDocuments } from "npm:yaml@2.9.1";
import { parseCommand, parseInvocation } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };
import { available, root, run } from "./program.ts";

const read = (file: string) => Deno.readTextFile(root + file);
const dockerfile = await read("packaging/Dockerfile");
const kubernetes = await read("packaging/kubernetes.yaml");
const unit = await read("packaging/yodel.service");

/** The manifests, read as YAML 1.2, as Kubernetes does. */
const manifests = parseAllDocuments(kubernetes);

Deno.test("what is packaged is the version of deno.json, compiled by the Deno of .ci/run", async () => {
  const { version } = config;
  const versions = {
    dockerfile: dockerfile.matchAll(/(?:yodel:|image\.version=")([\w.-]+)/g),
    kubernetes: kubernetes.matchAll(/(?:image: yodel:|\/version: ")([\w.-]+)/g),
    unit: unit.matchAll(/yodel (\d[\w.-]+)/g),
  };
  for (const [file, found] of Object.entries(versions)) {
    assertEquals([...new Set([...found].map(([, version]) => version))], [version], file);
  }
  const deno = /^DENO_VERSION=(.+)$/m.exec(await read(".ci/run"))?.[1];
  assert(dockerfile.includes(`FROM denoland/deno:debian-${deno} AS build\n`), `not Deno ${deno}`);
});

Deno.test("every command line in packaging is one that yodel takes", () => {
  const lines = [
    ...[...dockerfile.matchAll(/\bCMD (\[.*\])/g)].map(([, words = ""]) => JSON.parse(words)),
    ...[...unit.matchAll(/^ExecStart=(.*)$/gm)].map(([, words = ""]) => words.split(" ")),
    ...[...JSON.stringify(manifests).matchAll(/"(?:args|command)":(\[[^\]]*\])/g)]
      .map(([, words = ""]) => JSON.parse(words)),
  ];
  assertEquals(lines.length, 5);
  for (const line of lines) {
    const [name, ...args] = line[0] === "/usr/local/bin/yodel" ? line.slice(1) : line;
    parseInvocation(parseCommand(name, args), args);
  }
});

Deno.test("a linter accepts the Dockerfile, whose context has all that is compiled", async () => {
  assertEquals(validate(dockerfile), []);
  const context = [...(await read("packaging/Dockerfile.dockerignore")).matchAll(/^!(.*)$/gm)];
  const published = config.publish.include.filter((path) => !/[A-Z]/.test(path));
  assertEquals(context.map(([, path]) => path).toSorted(), [...published, ".ci"].toSorted());
});

Deno.test("the manifests are what the schemas of Kubernetes expect, and have no other fields", async () => {
  const module = manifests.map((document, i) => {
    assertEquals([...document.errors, ...document.warnings], []);
    const { apiVersion, kind, ...fields } = document.toJS();
    return `import { ${kind} as Kind${i} } from "npm:kubernetes-models@5.1.0/${apiVersion}/${kind}";
      new Kind${i}(${JSON.stringify(fields)}).validate();`;
  });
  assertEquals(module.length, 2);
  const deno = [Deno.execPath(), "run", "--quiet", "--no-config", "--check", "--allow-read"];
  const { code, stderr } = await run([...deno, "--allow-env", "--ext=ts", "-"], module.join("\n"));
  assertEquals({ code }, { code: 0 }, stderr);
});

Deno.test("systemd accepts yodel.service", {
  ignore: !available("systemd-analyze"),
}, async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/yodel.service`;
  // The program is not where the unit expects it.
  await Deno.writeTextFile(file, unit.replace("=/usr/local/bin/yodel ", "=/bin/echo "));
  const verified = await run(["systemd-analyze", "verify", "--recursive-errors=no", file]);
  assertEquals(verified, { code: 0, stdout: "", stderr: "" });
  await Deno.remove(folder, { recursive: true });
});
