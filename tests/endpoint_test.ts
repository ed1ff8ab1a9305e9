import { assertEquals } from "@std/assert";
import { formatEndpoint } from "../net/endpoint.ts";
import { parseEndpoint } from "../net/parse_endpoint.ts";

Deno.test("an endpoint may leave out its scheme and its host", () => {
  for (
    const [text, host, port] of [
      ["tcp://example.org:9000", "example.org", 9000],
      ["example.org:9000", "example.org", 9000],
      ["10.0.0.1:7", "10.0.0.1", 7],
      [":9000", "localhost", 9000],
      ["9000", "localhost", 9000],
      ["0", "localhost", 0],
      ["tcp://9000", "localhost", 9000],
      ["[::1]:9000", "::1", 9000],
      ["tcp://[fe80::1%eth0]:65535", "fe80::1%eth0", 65535],
    ] as const
  ) {
    assertEquals(parseEndpoint(text), { scheme: "tcp", host, port }, text);
  }
});

Deno.test("a scheme names the transport, and * stands for all addresses", () => {
  assertEquals(parseEndpoint("tls://:7443"), { scheme: "tls", host: "localhost", port: 7443 });
  assertEquals(parseEndpoint("tcp://*:7000"), { scheme: "tcp", host: "*", port: 7000 });
  assertEquals(parseEndpoint("unix:/run/a b.sock"), { scheme: "unix", path: "/run/a b.sock" });
});

Deno.test("other texts are no endpoints", () => {
  const texts = ["", "99999", "65536", "-1", "9000x", "example.org", "::1:9000", "[::1]9000"];
  texts.push("http://example.org:80", "tcp://", "tcp://example.org:", "a b:1", "1:2:3", "[x]:1");
  for (const text of [...texts, "unix:"]) assertEquals(parseEndpoint(text), undefined, text);
});

Deno.test("an endpoint is printed as it can be pasted into a client", () => {
  for (const text of ["tcp://127.0.0.1:2222", "tls://[::1]:2222", "unix:./a.sock"]) {
    const endpoint = parseEndpoint(text);
    assertEquals(endpoint && formatEndpoint(endpoint), text);
  }
});
