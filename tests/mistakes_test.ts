/** Mistakes on the command line, each with the line that answers it. The next one is a row. */
import { assertEquals, assertMatch } from "@std/assert";
import { serveCommand } from "../cli/commands/serve.ts";
import { parseInvocation } from "../cli/parse.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { runHere } from "./in_process.ts";
import { yodel } from "./program.ts";

for (
  const [words, message] of [
    ["srve", 'unknown command "srve"; did you mean serve?'],
    ["--versoin", 'unknown flag "--versoin"; did you mean --version?'],
    ["localhost 2222", 'unknown command "localhost"; did you mean yodel connect localhost:2222?'],
    [
      "localhost:2222",
      'unknown command "localhost:2222"; did you mean yodel connect localhost:2222?',
    ],
    ["2222", 'unknown command "2222"; did you mean yodel connect 2222?'],
    [
      "udp://localhost:7",
      'unknown command "udp://localhost:7"; did you mean yodel connect udp://localhost:7?',
    ],
    ["faults", 'unknown command "faults"; did you mean yodel help faults?'],
    ["serve --help=x", '--help: expected no value, not "x"'],
    ["help srve", 'unknown command "srve"; did you mean serve?'],
    ["help 12345678", 'unknown command "12345678"; see yodel help'],
    ["connect localhost 2222", 'unexpected argument "2222"; did you mean localhost:2222?'],
    ["ping 127.0.0.1 7", 'unexpected argument "7"; did you mean 127.0.0.1:7?'],
    ["ping 1 2", 'unexpected argument "2"; expected [ENDPOINT]'],
    ["load :1 extra", 'unexpected argument "extra"; expected [ENDPOINT]'],
    ["serve -x", 'unknown flag "-x"; see --help'],
    ["serve --idle-timout=5s", 'unknown flag "--idle-timout"; did you mean --idle-timeout?'],
    ["serve --no-drain", 'unknown flag "--no-drain"; did you mean --drain?'],
    ["serve --verify", 'unknown flag "--verify"; it belongs to yodel connect'],
    ["serve --toString", 'unknown flag "--toString"; see --help'],
    ["serve --constructor -1", 'unknown flag "--constructor"; see --help'],
    [
      "serve --idle-timeout 5s --idle-timeout.x=1",
      'unknown flag "--idle-timeout.x"; did you mean --idle-timeout?',
    ],
    ["connect --verify.x", 'unknown flag "--verify.x"; did you mean --verify?'],
    [
      "serve --port 2222",
      'unknown flag "--port"; put the port in the endpoint, as in yodel serve 2222',
    ],
    ["serve -p 2222", 'unknown flag "-p"; put the port in the endpoint, as in yodel serve 2222'],
    [
      "serve --host 0.0.0.0",
      "unknown flag \"--host\"; put the host in the endpoint, as in yodel serve '*:2222'",
    ],
    [
      "serve --bind=::",
      "unknown flag \"--bind\"; put the host in the endpoint, as in yodel serve '*:2222'",
    ],
    ["connect --tls localhost:1", 'unknown flag "--tls"; use tls://HOST:PORT'],
    ["connect --udp localhost:1", 'unknown flag "--udp"; use udp://HOST:PORT'],
    ["ping -u localhost:1", 'unknown flag "-u"; use udp://HOST:PORT'],
    ["serve -U /tmp/x", 'unknown flag "-U"; use unix:PATH'],
    ["connect -k tls://:1", 'unknown flag "-k"; clients have --insecure'],
    ["ping --cacert ca.pem", 'unknown flag "--cacert"; clients have --ca FILE'],
    ["ping -n 3", 'unknown flag "-n"; use -c N'],
    ["serve -c 5", 'unknown flag "-c"; use --max-connections N'],
    [
      "load --idle-timeout 5s",
      'unknown flag "--idle-timeout"; it belongs to yodel serve and yodel connect',
    ],
    [
      "serve --wait 5s",
      'unknown flag "--wait"; it belongs to yodel connect and yodel ping and yodel load',
    ],
    ["load -z 5s", 'unknown flag "-z"; use -d DURATION'],
    ["load -t 4", 'unknown flag "-t"; use -d DURATION, or --workers N for threads'],
    ["load --qps 5", 'unknown flag "--qps"; use -r N'],
    ["load -q 5", 'unknown flag "-q"; use -r N'],
    ["load --concurrency 5", 'unknown flag "--concurrency"; use -c N'],
    ["load --requests 5", 'unknown flag "--requests"; use -n N'],
    ["load --threads 5", 'unknown flag "--threads"; use --workers N'],
    [
      "serve --idle-timeout ten",
      '--idle-timeout: expected a duration such as 500us, 250ms, 1.5s, 2m or 1h, or 0, not "ten"',
    ],
    [
      "serve --drain",
      "--drain: expected a duration such as 500us, 250ms, 1.5s, 2m or 1h, or 0, not nothing",
    ],
    ["serve --drain 999999m", '--drain: "999999m" is too long: 596h are the most'],
    ["serve --drain 597h", '--drain: "597h" is too long: 596h are the most'],
    ["load --at-most p99=999h", '--at-most: "p99=999h" is too long: 596h are the most'],
    [
      "serve --idle-timeout -1s",
      '--idle-timeout: expected a duration such as 500us, 250ms, 1.5s, 2m or 1h, or 0, not "-1s"',
    ],
    ["serve --idle-timeout 5", '--idle-timeout: "5" has no unit: 5ms or 5s?'],
    ["connect --timeout 1.5", '--timeout: "1.5" has no unit: 1.5ms or 1.5s?'],
    ["ping -W 2", '--timeout: "2" has no unit: 2ms or 2s?'],
    [
      "ping -i -1s",
      '--interval: expected a duration such as 500us, 250ms, 1.5s, 2m or 1h, or 0, not "-1s"',
    ],
    ["load -d 10", '--duration: "10" has no unit: 10ms or 10s?'],
    [
      "load -d 10seconds",
      '--duration: "10seconds" is written 10s',
    ],
    [
      "load -c 0",
      '--connections: expected a whole number such as 5 or 10k, from 1 to 1000000, not "0"',
    ],
    [
      "load -n 1.5",
      '--messages: expected a whole number such as 5 or 10k, from 0 to 2147483647, not "1.5"',
    ],
    [
      "load -r fast",
      '--rate: expected a rate such as 0.5, 200 or 10k, from 0 to 2147483648, not "fast"',
    ],
    [
      "load --rate 999999999999",
      '--rate: expected a rate such as 0.5, 200 or 10k, from 0 to 2147483648, not "999999999999"',
    ],
    [
      "serve --metrics 99999",
      '--metrics: expected where to listen, such as 9115 or *:9115, PORT from 0 to 65535, not "99999"',
    ],
    ["load -s 1g", '--size: expected a size such as 64 or 4k, from 1 to 67108864 bytes, not "1g"'],
    ["load -s 0", '--size: expected a size such as 64 or 4k, from 1 to 67108864 bytes, not "0"'],
    ["serve --log-level loud", '--log-level: expected one of debug, info, warn, error, not "loud"'],
    [
      "serve --socket-mode rw",
      '--socket-mode: expected permissions in octal such as 0600, not "rw"',
    ],
    [
      "serve --backlog 0",
      '--backlog: expected a whole number such as 5 or 10k, from 1 to 2147483647, not "0"',
    ],
    [
      "serve --max-connections -1",
      '--max-connections: expected a whole number such as 5 or 10k, from 0 to 2147483647, not "-1"',
    ],
    [
      "serve --allow 10.0.0.0/33",
      '--allow: expected an address or a network such as 10.0.0.0/8, not "10.0.0.0/33"',
    ],
    [
      "serve --deny localhost",
      '--deny: expected an address or a network such as 10.0.0.0/8, not "localhost"',
    ],
    [
      "serve --max-per-client many",
      '--max-per-client: expected a whole number such as 5 or 10k, from 0 to 2147483647, not "many"',
    ],
    [
      "serve udp://:0 --udp-rate 0.5",
      '--udp-rate: expected a whole number such as 5 or 10k, from 0 to 2147483647, not "0.5"',
    ],
    [
      "serve unix:/tmp/x --allow ::1",
      "--allow: expected a tcp://, tls:// or udp:// endpoint with it",
    ],
    [
      "serve unix:/tmp/x --deny ::/0",
      "--deny: expected a tcp://, tls:// or udp:// endpoint with it",
    ],
    [
      "serve unix:/tmp/x --max-per-client 5",
      "--max-per-client: expected a tcp:// or tls:// endpoint with it",
    ],
    ["serve --udp-rate 5", "--udp-rate: expected a udp:// endpoint with it"],
    ["connect --verify=false", '--verify: expected no value, not "false"'],
    [
      `serve unix:/tmp/${"x".repeat(120)}`,
      `cannot listen on unix:/tmp/${"x".repeat(120)}: its path has 125 bytes, and 107 are the most`,
    ],
    [
      "serve unix:/nowhere/echo.sock",
      "cannot listen on unix:/nowhere/echo.sock: there is no folder /nowhere",
    ],
    ["serve unix:/tmp/x --backlog 5", "--backlog: expected a tcp:// or tls:// endpoint with it"],
    ["connect -4 -6", "--ipv6: not with --ipv4; leave both out for any address"],
    ["ping unix:/tmp/x -4", "--ipv4: expected a tcp://, tls:// or udp:// endpoint with it"],
    ...([
      "load --at-most p9=5ms",
      "load --at-most p49.9=5ms",
      "load --at-most p99.999=5ms",
    ] as const)
      .map((words) =>
        [
          words,
          `--at-most: expected p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%, not "${
            words.slice(15)
          }"`,
        ] as const
      ),
    ["load --at-most p99=5", '--at-most: "p99=5" has no unit: 5ms or 5s?'],
    ["ping --at-most loss=0", '--at-most: "loss=0" is not in percent: 0%?'],
    [
      "load --at-most rate=1k",
      '--at-most: expected p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%, not "rate=1k"',
    ],
    [
      "load --at-least p99=5ms",
      '--at-least: expected rate=50k, the messages a second, not "p99=5ms"',
    ],
    [
      "ping --at-most loss=all",
      '--at-most: expected p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%, not "loss=all"',
    ],
    ["ping --at-least rate=1", 'unknown flag "--at-least"; it belongs to yodel load'],
    ["ping -i.1", '--interval: ".1" has no unit: 0.1ms or 0.1s?'],
    ["ping -r", 'unknown flag "-r"; did you mean --reconnect?'],
    ["ping -t", 'unknown flag "-t"; see --help'],
    ["-v", 'unknown flag "-v"; did you mean --version?'],
    ["connect 2222 hello", 'unexpected argument "hello"; what to send comes from stdin'],
    [
      "serve udp://:0 --drain 1s",
      "--drain: expected a tcp://, tls:// or unix: endpoint with it",
    ],
    [
      "serve udp://:0 --max-connections 5",
      "--max-connections: expected a tcp://, tls:// or unix: endpoint with it",
    ],
    [
      "serve udp://:0 --idle-timeout 5s",
      "--idle-timeout: expected a tcp://, tls:// or unix: endpoint with it",
    ],
    ["serve 4132 --metrics 4132", "--metrics: port 4132 is that of an endpoint"],
    ["serve 4132 --metrics *:4132", "--metrics: port 4132 is that of an endpoint"],
    [
      "serve tls://:0 --fault certificate=expird",
      '--fault: certificate: "expird" is none of expired, not-yet, wrong-name, self-signed, unknown-ca; did you mean expired?',
    ],
    [
      "serve --fault delay=40ms..20ms",
      '--fault: delay: "40ms..20ms" begins with the larger one: 20ms..40ms?',
    ],
    [
      "serve --fault delay=20ms,lose@10%",
      "--fault: each has its own flag: --fault delay=20ms --fault lose@10%",
    ],
    ...Object.entries({
      "latency=20ms": "delay",
      drop: "lose",
      loss: "lose",
      timeout: "silent",
      blackhole: "silent",
      bandwidth: "rate",
      throttle: "rate",
      slicer: "chunk",
      reset: "reset-after",
    }).map(([given, meant]) =>
      [
        `serve --fault ${given}`,
        `--fault: unknown fault "${given.replace(/=.*/, "")}"; did you mean ${meant}?`,
      ] as const
    ),
    ["serve --idle-timeout 1min", '--idle-timeout: "1min" is written 1m'],
    ["serve --drain 0.5sec", '--drain: "0.5sec" is written 0.5s'],
    ["ping -i 10msec", '--interval: "10msec" is written 10ms'],
    ["load -s 4kb", '--size: "4kb" is written 4k'],
    ["load -s 64B", '--size: "64B" is written 64'],
    ["load -s 1MiB", '--size: "1MiB" is written 1m'],
    ["load -r 10k/s", '--rate: "10k/s" is written 10k'],
    ["serve --fault delay=20msec", '--fault: delay: "20msec" is written 20ms'],
    ["serve --fault rate=64kb/s", '--fault: rate: "64kb/s" is written 64k'],
    ["serve --quiet", 'unknown flag "--quiet"; use --log-level error'],
    ["serve -v", 'unknown flag "-v"; use --log-level debug'],
    ["ping --verify", 'unknown flag "--verify"; ping always verifies'],
    ["load --verify", 'unknown flag "--verify"; load always verifies'],
    [
      "serve README.md deno.json docs",
      'unexpected argument "README.md"; it is a file: put * in quotes, or the shell replaces it by file names',
    ],
    [
      "ping 127.0.0.1:7 deno.json",
      'unexpected argument "deno.json"; it is a file: put * in quotes, or the shell replaces it by file names',
    ],
    ["serve --fault lose=10%", "--fault: lose takes no value; did you mean lose@10%?"],
    ["serve --fault refuse=5s", "--fault: refuse takes no value"],
    ["connect localhost", 'endpoint "localhost": it has no port: localhost:2222?'],
    ["connect localhost:", 'endpoint "localhost:": it has no port: localhost:2222?'],
    [
      "connect tls://example.org",
      'endpoint "tls://example.org": it has no port: tls://example.org:2222?',
    ],
    ["ping 127.0.0.1", 'endpoint "127.0.0.1": it has no port: 127.0.0.1:2222?'],
    ["ping [::1]", 'endpoint "[::1]": it has no port: [::1]:2222?'],
    [
      "connect localhost:70000",
      'endpoint "localhost:70000": the port is 70000, and the last one is 65535',
    ],
    ["connect 99999", 'endpoint "99999": the port is 99999, and the last one is 65535'],
    ["serve ::1:2222", 'endpoint "::1:2222": an IPv6 address stands in brackets: [::1]:2222?'],
    ["serve ::1", 'endpoint "::1": an IPv6 address stands in brackets: [::1]:2222?'],
    [
      "ping udp://fe80::1%eth0",
      'endpoint "udp://fe80::1%eth0": an IPv6 address stands in brackets: udp://[fe80::1%eth0]:2222?',
    ],
    ["serve ::", 'endpoint "::": an IPv6 address stands in brackets: [::]:2222?'],
    [
      "connect http://localhost:80",
      'endpoint "http://localhost:80": unsupported scheme http://; use tcp://, tls://, udp:// or unix:',
    ],
    ["serve /tmp/echo.sock", 'endpoint "/tmp/echo.sock": is it a path? unix:/tmp/echo.sock'],
    ["serve ./echo.sock", 'endpoint "./echo.sock": is it a path? unix:./echo.sock'],
    [
      "connect 0",
      'endpoint "0": expected [tcp://|tls://|udp://][HOST:]PORT or unix:PATH, PORT from 1 to 65535',
    ],
    [
      "connect unix:",
      'endpoint "unix:": it has no path: unix:/tmp/echo.sock?',
    ],
    ["serve unix:@", 'endpoint "unix:@": it has no path: unix:/tmp/echo.sock?'],
    ["connect tls://:1 --insecure --ca ca.pem", "--insecure and --ca exclude each other"],
    ["connect 9000 --insecure", "--insecure: expected a tls:// endpoint with it"],
    ["ping udp://:1 --ca ca.pem", "--ca: expected a tls:// endpoint with it"],
    ["serve --socket-mode 0600", "--socket-mode: expected a unix: endpoint with it"],
    ["serve tls://:0 --cert", "--cert: expected a file, not nothing"],
    ["serve tls://:0 --cert c.pem", "--cert and --key go together"],
    [
      "serve tls://:0 --write-ca /nowhere/ca.pem",
      "--write-ca: cannot write /nowhere/ca.pem: there is no folder /nowhere",
    ],
    [
      "serve tls://:0 --cert /nowhere/c.pem --key k.pem",
      "--cert: cannot read /nowhere/c.pem: there is no folder /nowhere",
    ],
    ["serve tls://:0 --cert c.pem --key /nowhere", "--cert: cannot read c.pem: no such file"],
    [
      "load udp://127.0.0.1:7000 --reconnect",
      "--reconnect: expected a tcp://, tls:// or unix: endpoint with it",
    ],
    [
      "load udp://127.0.0.1:7000 --size 65508",
      "--size: a datagram holds 65507 bytes at most, not 65508",
    ],
    [
      "load --pipeline 8 --reconnect",
      "--pipeline: with a connection for each message, each carries one",
    ],
    [
      "load --workers 257",
      '--workers: expected a number of threads from 1 to 256, or auto, not "257"',
    ],
    ["load --merge /etc", "--merge: cannot read /etc: it is a folder"],
    [
      "load --merge /etc/passwd/x/y",
      "--merge: cannot read /etc/passwd/x/y: a part of its path is no folder",
    ],
    ["connect tls://:1 --ca -", '--ca: "-" is not stdin or stdout here; name a file'],
    ["completions", "completions: expected one of bash, zsh, fish, powershell, not nothing"],
    ["completions tcsh", 'completions: expected one of bash, zsh, fish, powershell, not "tcsh"'],
    [`serve --${"a".repeat(70_000)}`, `unknown flag "--${"a".repeat(70_000)}"; see --help`],
  ] as const
) {
  Deno.test(`yodel ${words.slice(0, 60)}: says in one line what is wrong`, async () => {
    const result = await runHere(words.split(" "));
    assertEquals(result, { code: 2, stdout: "", stderr: `yodel: ${message}\n` });
  });
}

Deno.test("errors of the network end with the next step", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = `127.0.0.1:${listener.addr.port}`;
  assertEquals(await runHere(["serve", taken]), {
    code: 2,
    stdout: "",
    stderr: `yodel: cannot listen on tcp://${taken}: address in use; ` +
      "choose another port, or 0 for any\n",
  });
  listener.close();
  assertEquals(await runHere(["connect", taken]), {
    code: 2,
    stdout: "",
    stderr: `yodel: cannot connect to tcp://${taken}: connection refused; ` +
      "is the server running? --wait 30s waits for it\n",
  });
  for (const command of ["serve", "connect"]) {
    const { code, stderr } = await runHere([command, "nowhere.invalid:7000"]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^yodel: cannot .* tcp:\/\/nowhere\.invalid:7000: unknown host.*; check the name, or use an address\n$/,
    );
  }
});

// What the permissions of the program are, only the program itself shows.
for (
  const [words, message] of [
    ["serve --idle-timout=5s", 'unknown flag "--idle-timout"; did you mean --idle-timeout?'],
    [
      "load --merge /dev/stdin",
      "--merge: cannot read /dev/stdin: yodel may not open devices and the like; name another file",
    ],
  ] as const
) {
  Deno.test(`yodel ${words}: says so as a program of its own, with status 2`, async () => {
    const result = await yodel(words.split(" "));
    assertEquals(result, { code: 2, stdout: "", stderr: `yodel: ${message}\n` });
  });
}

Deno.test("units, names and schemes may be in capitals, and an endpoint may end in a slash", () => {
  const words = "--idle-timeout 1h --drain 1.5S --max-connections 10K --log-level WARN".split(" ");
  const { flags, endpoints } = parseInvocation(serveCommand, [
    ...words,
    "127.0.0.1:0/",
    "TCP://a:1/",
  ]);
  const { idleTimeout, drain, maxConnections, logLevel } = flags;
  assertEquals([idleTimeout, drain, maxConnections, logLevel], [3_600_000, 1500, 10_000, "warn"]);
  assertEquals(endpoints.map(formatEndpoint), ["tcp://127.0.0.1:0", "tcp://a:1"]);
});
