/**
 * The tables of commands and flags. Parsing, checking and the help all read
 * them; a flag stands nowhere else.
 *
 * @module
 */
import { LOG_DATA_FORMS, LOG_FORMATS, LOG_LEVELS } from "../log.ts";
import { choice, count, duration, type Kind, toggle } from "./kinds.ts";

/** A flag of a command. */
export interface Flag<T = unknown> {
  readonly kind: Kind<T>;
  /** The value where the flag is not given, as it would be written. */
  readonly default: string;
  readonly help: string;
}

/** A command: `yodel NAME [FLAGS] [ENDPOINT ...]`. */
export interface Command {
  readonly summary: string;
  readonly example: string;
  /** How many endpoints it takes at most. */
  readonly maxEndpoints: number;
  /** Whether an endpoint may have port 0, for any free port. */
  readonly anyPort: boolean;
  readonly flags: Readonly<Record<string, Flag>>;
}

function flag<T>(kind: Kind<T>, otherwise: string, help: string): Flag<T> {
  return { kind, default: otherwise, help };
}

/** Every command of the program. */
export const commands = {
  serve: {
    summary: "Send back what every connection brings",
    example: "yodel serve 9000 10.0.0.5:9000 --idle-timeout 5m",
    maxEndpoints: Infinity,
    anyPort: true,
    flags: {
      "idle-timeout": flag(duration, "60s", "close connections without traffic; 0: never"),
      "backlog": flag(count(1), "511", "connections waiting to be accepted"),
      "max-connections": flag(count(0), "0", "served at once, others wait; 0: no limit"),
      "drain": flag(duration, "5s", "time to finish after a signal; 0: no limit"),
      "log-level": flag(choice(LOG_LEVELS), "info", "least level that is logged"),
      "log-format": flag(choice(LOG_FORMATS), "text", "for people or for programs"),
      "log-data": flag(choice(LOG_DATA_FORMS), "off", "log what each read brought"),
    },
  },
  connect: {
    summary: "Send stdin to a server, what returns to stdout",
    example: "yodel connect localhost:2222 --verify <file >/dev/null",
    maxEndpoints: 1,
    anyPort: false,
    flags: {
      "timeout": flag(duration, "10s", "time to connect; 0: as long as the system tries"),
      "idle-timeout": flag(duration, "0", "give up without traffic; 0: never"),
      "verify": flag(toggle, "false", "compare what comes back with what was sent"),
    },
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
