/** Mistakes on the command line, each with the line that answers it. The next one is a row. */
import { assertEquals, assertMatch } from "@std/assert";
import { serveCommand } from "../cli/commands/serve.ts";
import { parseInvocation } from "../cli/parse.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { runHere } from "./in_process.ts";
import { yodel } from "./program.ts";

/** Rows of a table: a command line, and what is said about its last word or flag. */
type Rows = Readonly<Record<string, string>>;

/** What follows `unknown flag "--flag"; `. */
const UNKNOWN_FLAGS: Rows = {
  "--versoin": "did you mean --version?",
  "-v": "see --help",
  "serve -x": "see --help",
  "serve --no-drain": "did you mean --drain?",
  "serve --idle-timout=5s": "did you mean --idle-timeout?",
  "serve --idle-timeout 5s --idle-timeout.x=1": "did you mean --idle-timeout?",
  "connect --verify.x": "did you mean --verify?",
  "serve --toString": "see --help",
  "serve --constructor -1": "see --help",
  [`serve --${"a".repeat(70_000)}`]: "see --help",
  "serve --verify": "it is a flag of yodel connect",
  "load --idle-timeout 5s": "it is a flag of yodel serve, yodel connect",
  "serve --wait 5s": "it is a flag of yodel connect, yodel ping, yodel load",
  "ping --at-least rate=1": "it is a flag of yodel load",
  "serve --port 2222": "put the port in the endpoint, as in yodel serve 2222",
  "serve -p 2222": "put the port in the endpoint, as in yodel serve 2222",
  "serve --host 0.0.0.0": "put the host in the endpoint, as in yodel serve '*:2222'",
  "serve --bind=::": "put the host in the endpoint, as in yodel serve '*:2222'",
  "connect --tls localhost:1": "use tls://HOST:PORT",
  "connect --udp localhost:1": "use udp://HOST:PORT",
  "ping -u localhost:1": "use udp://HOST:PORT",
  "serve -U /tmp/x": "use unix:PATH",
  "connect -k tls://:1": "clients use --insecure",
  "ping --cacert ca.pem": "clients use --ca FILE",
  "ping -n 3": "use -c N",
  "ping -r": "it is a flag of yodel load",
  "ping -t": "see --help",
  "ping --verify": "ping always verifies",
  "load --verify": "load always verifies",
  "serve -c 5": "use --max-connections N",
  "serve --quiet": "use --log-level error",
  "serve -v": "use --log-level debug",
  "load -z 5s": "use -d DURATION",
  "load -t 4": "use -d DURATION, or --workers N for threads",
  "load --qps 5": "use -r N",
  "load -q 5": "use -r N",
  "load --concurrency 5": "use -c N",
  "load --requests 5": "use -n N",
  "load --threads 5": "use --workers N",
};

const DURATION = "a duration with a unit, such as 500us, 250ms, 1.5s or 2m, at most 596h, or 0";
const COUNT = "a whole number such as 5 or 10k, from";
const RATE = "a rate such as 0.5, 200 or 10k, from 0 to 2147483648";
const SIZE = "a size such as 64 or 4k, from 1 to 67108864 bytes";
const NETWORK = "an address or a network such as 10.0.0.0/8";
const LIMIT = "p99=5ms, or min, mean, max, p50 to p99.99, or loss=1%";

/** What a flag expects, instead of what is given. */
const EXPECTED: Rows = {
  "serve --idle-timeout ten": DURATION,
  "serve --idle-timeout -1s": DURATION,
  "ping --interval -1s": DURATION,
  "serve --drain": DURATION,
  "serve --drain 597h": DURATION,
  "serve --drain 0.5sec": DURATION,
  "serve --idle-timeout 5": DURATION,
  "connect --timeout 1.5": DURATION,
  "load --connections 0": `${COUNT} 1 to 1000000`,
  "load --messages 1.5": `${COUNT} 0 to 2147483647`,
  "serve --max-connections -1": `${COUNT} 0 to 2147483647`,
  "serve --max-per-client many": `${COUNT} 0 to 2147483647`,
  "serve udp://:0 --udp-rate 0.5": `${COUNT} 0 to 2147483647`,
  "load --workers 257": "a number of threads from 1 to 256, or auto",
  "load --rate fast": RATE,
  "load --rate 999999999999": RATE,
  "load --size 1g": SIZE,
  "load --size 0": SIZE,
  "load --size 4kb": SIZE,
  "load --rate 10k/s": RATE,
  "serve --metrics 99999": "where to listen, such as 9115 or *:9115, PORT from 0 to 65535",
  "ping --metrics udp://1": "where to listen, such as 9115 or *:9115, PORT from 0 to 65535",
  "serve --log-level loud": "one of debug, info, warn, error",
  "serve --socket-mode rw": "permissions in octal such as 0600",
  "serve --allow 10.0.0.0/33": NETWORK,
  "serve --deny localhost": NETWORK,
  "connect --verify=false": "no value",
  "serve tls://:0 --cert": "a file",
  "load --merge": "a file, or - for stdin",
  "load --at-most p9=5ms": LIMIT,
  "load --at-most p49.9=5ms": LIMIT,
  "load --at-most p99.999=5ms": LIMIT,
  "load --at-most rate=1k": LIMIT,
  "ping --at-most loss=all": LIMIT,
  "ping --at-most loss=0": LIMIT,
  "load --at-most p99=5": LIMIT,
  "load --at-least p99=5ms": "rate=50k, the messages a second",
};

/** The endpoints that a flag is for. */
const ENDPOINTS_OF_FLAGS: Rows = {
  "serve unix:/tmp/x --allow ::1": "tcp://, tls:// or udp://",
  "serve unix:/tmp/x --deny ::/0": "tcp://, tls:// or udp://",
  "serve unix:/tmp/x --max-per-client 5": "tcp:// or tls://",
  "serve udp://127.0.0.1:0 --workers 2": "tcp:// or tls://",
  "serve --udp-rate 5": "udp://",
  "serve --socket-mode 0600": "unix:",
  "serve udp://:0 --drain 1s": "tcp://, tls:// or unix:",
  "serve udp://:0 --max-connections 5": "tcp://, tls:// or unix:",
  "serve udp://:0 --idle-timeout 5s": "tcp://, tls:// or unix:",
  "load udp://127.0.0.1:7000 --reconnect": "tcp://, tls:// or unix:",
  "ping udp://127.0.0.1:7000 --reconnect": "tcp://, tls:// or unix:",
  "ping unix:/tmp/x --ipv4": "tcp://, tls:// or udp://",
  "connect 9000 --insecure": "tls://",
  "ping udp://:1 --ca ca.pem": "tls://",
};

/** What is wrong with an endpoint. */
const ENDPOINTS: Rows = {
  "connect localhost": "no port; did you mean localhost:2222?",
  "connect localhost:": "no port; did you mean localhost:2222?",
  "connect tls://example.org": "no port; did you mean tls://example.org:2222?",
  "ping 127.0.0.1": "no port; did you mean 127.0.0.1:2222?",
  "ping [::1]": "no port; did you mean [::1]:2222?",
  "connect localhost:70000": "port 70000 is out of range; the highest is 65535",
  "connect 99999": "port 99999 is out of range; the highest is 65535",
  "connect 0": "expected [tcp://|tls://|udp://][HOST:]PORT or unix:PATH, PORT from 1 to 65535",
  "serve ::1:2222": "an IPv6 address requires brackets; did you mean [::1]:2222?",
  "serve ::1": "an IPv6 address requires brackets; did you mean [::1]:2222?",
  "serve ::": "an IPv6 address requires brackets; did you mean [::]:2222?",
  "ping udp://fe80::1%eth0":
    "an IPv6 address requires brackets; did you mean udp://[fe80::1%eth0]:2222?",
  "connect http://localhost:80": "unsupported scheme http://; use tcp://, tls://, udp:// or unix:",
  "serve /tmp/echo.sock": "for a Unix socket, use unix:/tmp/echo.sock",
  "serve ./echo.sock": "for a Unix socket, use unix:./echo.sock",
  "connect unix:": "it has no path; use unix:PATH, such as unix:/tmp/echo.sock",
  "serve unix:@": "it has no path; use unix:PATH, such as unix:/tmp/echo.sock",
};

/** The faults of yodel, by what other tools call them. */
const FAULTS: Rows = {
  "serve --fault latency=20ms": "delay",
  "serve --fault drop": "lose",
  "serve --fault loss": "lose",
  "serve --fault timeout": "silent",
  "serve --fault blackhole": "silent",
  "serve --fault bandwidth": "rate",
  "serve --fault throttle": "rate",
  "serve --fault slicer": "chunk",
  "serve --fault reset": "reset-after",
};

const LONG = `unix:/tmp/${"x".repeat(120)}`;
const SHELLS = "bash, zsh, fish, powershell";
const FLAWS = "expired, not-yet, wrong-name, self-signed, unknown-ca";

/** The whole message. */
const OTHERS: Rows = {
  "srve": 'unknown command "srve"; did you mean serve?',
  "help srve": 'unknown command or topic "srve"; did you mean serve?',
  "help 12345678": 'unknown command or topic "12345678"; see yodel help',
  "faults": 'unknown command "faults"; did you mean yodel help faults?',
  "2222": 'unknown command "2222"; did you mean yodel connect 2222?',
  "localhost 2222": 'unknown command "localhost"; did you mean yodel connect localhost:2222?',
  "udp://[::1]:7": 'unknown command "udp://[::1]:7"; did you mean yodel connect udp://[::1]:7?',
  "connect localhost 2222": 'unexpected argument "2222"; did you mean localhost:2222?',
  "ping 127.0.0.1 7": 'unexpected argument "7"; did you mean 127.0.0.1:7?',
  "ping 1 2": 'unexpected argument "2"; expected [ENDPOINT]',
  "load :1 extra": 'unexpected argument "extra"; expected [ENDPOINT]',
  "connect 2222 hello": 'unexpected argument "hello"; the data to send is read from stdin',
  "completions": `completions: expected one of ${SHELLS}, not an empty value`,
  "completions tcsh": `completions: expected one of ${SHELLS}, not "tcsh"`,
  "ping -W 2": `--timeout: expected ${DURATION}, not "2"`,
  "ping -i.1": `--interval: expected ${DURATION}, not ".1"`,
  "connect tls://:1 --ca -": "--ca: cannot read -: no such file or directory",
  "connect -4 -6": "--ipv6 cannot be used with --ipv4; omit both to use any address",
  "connect tls://:1 --insecure --ca ca.pem": "--insecure cannot be used with --ca",
  [`serve ${LONG}`]: `cannot listen on ${LONG}: its path has 125 bytes; the maximum is 107`,
  "serve unix:/nowhere/x": "cannot listen on unix:/nowhere/x: no such file or directory",
  "connect unix:/nowhere/x": "cannot connect to unix:/nowhere/x: no such file or directory",
  "serve tls://:0 --cert c.pem": "--cert and --key must be used together",
  "serve tls://:0 --cert c.pem --key /nowhere":
    "--cert: cannot read c.pem: no such file or directory",
  "serve tls://:0 --write-ca /nowhere/ca.pem":
    "--write-ca: cannot write /nowhere/ca.pem: no such file or directory",
  "serve tls://:0 --fault certificate=expird":
    `--fault: certificate: expected one of ${FLAWS}, not "expird"`,
  "serve --fault delay=40ms..20ms":
    `--fault: delay: expected ${DURATION}, or A..B, the smaller first, not "40ms..20ms"`,
  "serve --fault delay=20ms,lose@10%":
    "--fault: use one flag for each fault: --fault delay=20ms --fault lose@10%",
  "serve --fault nonsense": '--fault: unknown fault "nonsense"; see yodel help faults',
  "serve udp://:0 --fault reset-after=5":
    "--fault: reset-after is for tcp, tls, not for udp://localhost:0",
  "serve --seed 1": "--seed: requires a fault",
  "serve tls://:0 --cert README.md --key README.md":
    "--cert: README.md: it holds no certificate in PEM",
  "serve --control 1 --metrics 2":
    "--metrics cannot be used with --control, which serves the same pages",
  "serve unix:/etc/passwd":
    "cannot listen on unix:/etc/passwd: a file of this name is not a socket",
  "load --merge README.md": "--merge: README.md, line 1: it is not from yodel load --json",
  "completions bash x": 'unexpected argument "x"; expected bash|zsh|fish|powershell',
  "connect tls://:1 --ca /etc": "--ca: cannot read /etc: it is a directory",
  "serve --fault lose=10%": "--fault: lose takes no value; did you mean lose@10%?",
  "serve --fault refuse=5s": "--fault: refuse takes no value",
  "load udp://127.0.0.1:7000 --size 65508":
    "--size: a datagram holds at most 65507 bytes, not 65508",
  "ping udp://127.0.0.1:7000 -s 65508": "--size: a datagram holds at most 65507 bytes, not 65508",
  "load --pipeline 8 --reconnect": "--pipeline: must be 1 with a connection for each message",
  "load --merge x -c5": "--connections cannot be used with --merge",
  "load --merge x --reconnect": "--reconnect cannot be used with --merge",
  "load --merge x --ca=x": "--ca cannot be used with --merge",
  "load --merge /etc": "--merge: cannot read /etc: it is a directory",
  "load --merge /etc/passwd/x/y":
    "--merge: cannot read /etc/passwd/x/y: a part of its path is not a directory",
};

/** The message for a row, made from the last flag, its value, the last word, and the row's text. */
type Message = (row: { flag: string; value: string; word: string; text: string }) => string;

for (
  const [rows, message] of [
    [UNKNOWN_FLAGS, ({ flag, text }) => `unknown flag "${flag}"; ${text}`],
    [EXPECTED, ({ flag, value, text }) => {
      return `${flag}: expected ${text}, not ${value === "" ? "an empty value" : `"${value}"`}`;
    }],
    [ENDPOINTS_OF_FLAGS, ({ flag, text }) => `${flag} requires a ${text} endpoint`],
    [ENDPOINTS, ({ word, text }) => `endpoint "${word}": ${text}`],
    [FAULTS, ({ value, text }) => {
      return `--fault: unknown fault "${value.replace(/=.*/, "")}"; did you mean ${text}?`;
    }],
    [OTHERS, ({ text }) => text],
  ] as [Rows, Message][]
) {
  for (const [words, text] of Object.entries(rows)) {
    Deno.test(`yodel ${words.slice(0, 60)}: says in one line what is wrong`, async () => {
      const [, flag = "", value = ""] = /^(?:.* )?(--?[a-z][\w.-]*)(?:[ =](.*))?$/i.exec(words) ??
        [];
      const word = words.split(" ").at(-1) ?? "";
      assertEquals(await runHere(words.split(" ")), {
        code: 2,
        stdout: "",
        stderr: `yodel: ${message({ flag, value, word, text })}\n`,
      });
    });
  }
}

Deno.test("network errors end with the next step", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = `127.0.0.1:${listener.addr.port}`;
  const failures = [await runHere(["serve", taken])];
  listener.close();
  failures.push(await runHere(["connect", taken]));
  assertEquals(failures.map(({ code, stdout, stderr }) => [code, stdout + stderr]), [
    [
      2,
      `yodel: cannot listen on tcp://${taken}: address in use; use another port, or 0 for any free port\n`,
    ],
    [
      2,
      `yodel: cannot connect to tcp://${taken}: connection refused; ` +
      "is the server running? --wait 30s waits for it\n",
    ],
  ]);
  for (const command of ["serve", "connect"]) {
    const { code, stderr } = await runHere([command, "nowhere.invalid:7000"]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^yodel: cannot .* tcp:\/\/nowhere\.invalid:7000: unknown host.*; check the name, or use an address\n$/,
    );
  }
});

Deno.test("the program prints the line and exits with the status, and cannot open devices", async () => {
  assertEquals(await yodel(["load", "--merge", "/dev/stdin"]), {
    code: 2,
    stdout: "",
    stderr: "yodel: --merge: cannot read /dev/stdin: Deno does not let yodel open devices; " +
      "name another file\n",
  });
});

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
