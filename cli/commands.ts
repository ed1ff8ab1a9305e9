/**
 * The tables of commands and flags. Parsing, checking and the help all read
 * them; a flag stands nowhere else.
 *
 * @module
 */
import { LOG_DATA_FORMS } from "../server/log.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./log.ts";
import { choice, count, duration, file, fileMode, host, type Kind, size, toggle } from "./kinds.ts";
import { MAX_DATAGRAM } from "../net/udp.ts";

/** A flag of a command. */
export interface Flag<T = unknown> {
  /** Under which heading the help has it. */
  readonly group: string;
  readonly kind: Kind<T>;
  /** The value where the flag is not given, as it would be written. */
  readonly default: string;
  readonly help: string;
  /** The letter of its short form, where it has one: `c` for `-c`. */
  readonly short?: string;
}

/** A command: `yodel NAME [FLAGS] [OPERANDS]`. */
export interface Command {
  readonly summary: string;
  readonly example: string;
  /** What it takes besides flags, as the help has it. */
  readonly operands: string;
  readonly maxOperands: number;
  readonly flags: Readonly<Record<string, Flag>>;
}

/** The shells that {@linkcode commands.completions} knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

function flag<T>(
  group: string,
  kind: Kind<T>,
  otherwise: string,
  help: string,
  short?: string,
): Flag<T> {
  return { group, kind, default: otherwise, help, short };
}

/** The most that a message of ping or load can be, in bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024;

/** What every client needs to know for `tls://`. */
const clientTls = {
  "ca": flag("TLS", file, "", "trust servers that this CA has signed, PEM"),
  "cert": flag("TLS", file, "", "certificate to show, PEM"),
  "key": flag("TLS", file, "", "key of the certificate, PEM"),
  "server-name": flag("TLS", host, "", "name that the certificate must be for"),
  "insecure": flag("TLS", toggle, "false", "trust any certificate"),
} as const;

/** Every command of the program. */
export const commands = {
  serve: {
    summary: "Send back what every connection brings",
    example: "yodel serve 9000 10.0.0.5:9000 --idle-timeout 5m",
    operands: "[ENDPOINT ...]",
    maxOperands: Infinity,
    flags: {
      "idle-timeout": flag(
        "Limits",
        duration,
        "60s",
        "close connections without traffic; 0: never",
      ),
      "backlog": flag("Limits", count(1), "511", "connections waiting to be accepted"),
      "max-connections": flag("Limits", count(0), "0", "served at once, others wait; 0: no limit"),
      "drain": flag("Limits", duration, "5s", "time to finish after a signal; 0: no limit"),
      "cert": flag("TLS", file, "", "certificate, PEM; without one it makes its own"),
      "key": flag("TLS", file, "", "key of the certificate, PEM"),
      "client-ca": flag("TLS", file, "", "refuse clients that this CA has not signed"),
      "write-ca": flag("TLS", file, "", "write the CA of its own certificate, PEM"),
      "socket-mode": flag("Limits", fileMode, "0600", "permissions of Unix socket files"),
      "log-level": flag("Log", choice(LOG_LEVELS), "info", "least level that is logged"),
      "log-format": flag("Log", choice(LOG_FORMATS), "text", "for people or for programs"),
      "log-data": flag("Log", choice(LOG_DATA_FORMS), "off", "log what each read brought"),
    },
  },
  connect: {
    summary: "Send stdin to a server, what returns to stdout",
    example: "yodel connect localhost:2222 --verify <file >/dev/null",
    operands: "[ENDPOINT]",
    maxOperands: 1,
    flags: {
      "timeout": flag("Limits", duration, "10s", "time to connect; udp: to wait for answers, 1s"),
      "idle-timeout": flag("Limits", duration, "0", "give up without traffic; 0: never"),
      "datagram-size": flag(
        "Datagrams",
        size(0, MAX_DATAGRAM),
        "0",
        "udp: block to send; 0: each line",
      ),
      ...clientTls,
      "verify": flag("Checks", toggle, "false", "compare what comes back with what was sent"),
    },
  },
  ping: {
    summary: "Measure round trips, one probe after another",
    example: "yodel ping localhost:2222 -c 5",
    operands: "[ENDPOINT]",
    maxOperands: 1,
    flags: {
      "count": flag("Probes", count(0), "0", "probes to send; 0: until Ctrl-C", "c"),
      "interval": flag("Probes", duration, "1s", "from probe to probe; 0: at each answer", "i"),
      "size": flag("Probes", size(1, MAX_MESSAGE), "56", "bytes a probe", "s"),
      "timeout": flag("Probes", duration, "1s", "time to answer, and to connect; 0: any", "W"),
      "deadline": flag("Probes", duration, "0", "end after this time; 0: never", "w"),
      "reconnect": flag("Probes", toggle, "false", "open a connection for each probe"),
      "quiet": flag("Output", toggle, "false", "print the summary only", "q"),
      "json": flag("Output", toggle, "false", "print a JSON object a line"),
      ...clientTls,
    },
  },
  load: {
    summary: "Send messages over many connections, verify each",
    example: "yodel load localhost:2222 -c 100 -d 10s",
    operands: "[ENDPOINT]",
    maxOperands: 1,
    flags: {
      "connections": flag("Load", count(1, 1_000_000), "50", "at once; udp: sockets", "c"),
      "duration": flag(
        "Load",
        duration,
        "10s",
        "how long; 0: until Ctrl-C; with -n: no limit",
        "d",
      ),
      "messages": flag("Load", count(0), "0", "how many; 0: until the time is over", "n"),
      "size": flag("Load", size(1, MAX_MESSAGE), "64", "bytes a message", "s"),
      "pipeline": flag("Load", count(1, 65_536), "1", "messages under way a connection"),
      "rate": flag("Load", count(0), "0", "messages a second in all; 0: as answers come", "r"),
      "warm-up": flag("Load", duration, "0", "send for so long before it counts"),
      "connect-rate": flag("Load", count(0), "0", "connections opened a second; 0: no limit"),
      "reconnect": flag("Load", toggle, "false", "open a connection for each message"),
      "workers": flag("Load", count(1, 256), "1", "threads; more than one where it has the cores"),
      "timeout": flag("Load", duration, "5s", "time to connect, or without a byte back; udp: 1s"),
      "json": flag("Output", toggle, "false", "print one JSON object"),
      "histogram": flag("Output", file, "", "write latencies as an HdrHistogram log"),
      ...clientTls,
    },
  },
  completions: {
    summary: "Print what lets a shell complete words of yodel",
    example: 'eval "$(yodel completions bash)"',
    operands: SHELLS.join("|"),
    maxOperands: 1,
    flags: {},
  },
} as const satisfies Record<string, Command>;

/** The name of a command. */
export type CommandName = keyof typeof commands;

/** The names of all commands. */
export const commandNames = Object.keys(commands) as CommandName[];

/** The values of a table of flags, by the flags' names. */
export type FlagValues<Flags extends Readonly<Record<string, Flag>>> = {
  [Name in keyof Flags]: Flags[Name] extends Flag<infer T> ? T : never;
};

/** The values of the flags for `tls://` that every client has. */
export type ClientTlsFlags = FlagValues<typeof clientTls>;
