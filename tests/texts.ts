/** Texts that are, or nearly are, input for the parsers of the program; for properties. */
import fc from "npm:fast-check@4.10.2";
import { commands } from "../cli/commands.ts";

const words = Object.entries(commands).flatMap(([name, { flags }]) => [
  name,
  ...Object.entries(flags).flatMap(([flag, { short }]) =>
    short ? [`--${flag}`, `-${short}`] : [`--${flag}`]
  ),
]);

/** Parts of the texts. */
const PIECES = [
  ...["0", "1", "65535", "65536", "2147483648", "9".repeat(40), "0.5", "1e-6", "-1", "NaN", "٣"],
  ...["ms", "s", "m", "h", "k", "%", "..", "...", ".", ",", "=", "@", "-", "--", "/", "//", "~"],
  ...["tcp://", "TLS://", "udp://", "unix:", "http://", "[", "]", ":", "::1", "fe80::1%eth0", "*"],
  ...["127.0.0.1", "localhost", "p99", "p99.9", "loss", "rate", "max", "delay", "corrupt"],
  ...["close-after", "certificate", "__proto__", "constructor", "toString", "hasOwnProperty"],
  ...[" ", "\n", "\r", "\t", "\0", "\x1b[31m", "\u2028", "\u200b", "\ud800", "é", "😀"],
];

/** Any text: pieces put together, or characters of every kind. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((all) => all.join("")),
  },
  fc.string({ unit: "binary" }),
);

/** A word of a command line: a flag, its value, both, or any text. */
const word = fc.oneof(
  fc.constantFrom(...words),
  anyText,
  fc.tuple(fc.constantFrom(...words), fc.constantFrom("", "=", ".", ".x="), anyText)
    .map((parts) => parts.join("")),
);

/** The words after `yodel`, the first of which most often is a command. */
export const commandLine: fc.Arbitrary<string[]> = fc.tuple(
  fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...Object.keys(commands)) }, word),
  fc.array(word, { maxLength: 6 }),
).map(([first, rest]) => [first, ...rest]);
