import { assertEquals } from "@std/assert";
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

Deno.test("a port has digits only, and an address of IPv6 its brackets", () => {
  for (const text of ["", "-1", "9000x", "[::1]9000", "a b:1", "1:2:3", "[x]:1", "tcp://"]) {
    assertEquals(parseEndpoint(text), undefined, text);
  }
});
