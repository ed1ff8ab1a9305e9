/** How values of one type are written, read and offered. */
export interface ValueType<T> {
  /** Its name in the help; empty for a flag that takes no value. */
  readonly placeholder: string;
  /** What shells offer for it: all values if there are only a few, or beginnings that end in `=`. */
  readonly choices?: readonly string[];
  /** Completes "expected …" in messages. */
  readonly expected: string;
  /** Returns undefined if `text` is no value. */
  parse(text: string): T | undefined;
  /** The inverse of `parse`, if that is not `String`. */
  format?(value: T): string;
}

/** Reads a value; if `text` is none, throws the error that `fail` makes of the reason. */
export function readValue<T>(type: ValueType<T>, text: string, fail: (what: string) => Error): T {
  const value = text === "" ? undefined : type.parse(text);
  if (value !== undefined) return value;
  throw fail(
    `expected ${type.expected}, not ${text === "" ? "an empty value" : JSON.stringify(text)}`,
  );
}

export const toggle: ValueType<boolean> = {
  placeholder: "",
  expected: "no value",
  parse: (text) => text === "true",
};

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A length of time, in milliseconds. 0 switches a limit off. */
export const duration: ValueType<number> = {
  placeholder: "DURATION",
  expected: "a duration with a unit, such as 500us, 250ms, 1.5s or 2m, at most 596h, or 0",
  parse(text) {
    if (text === "0") return 0;
    // µ has two code points.
    const [, digits, unit = ""] = /^(\d*\.?\d+)([uµμm]?s|m|h)$/i.exec(text) ?? [];
    const value = /^[uµμ]/i.test(unit)
      ? Number(digits) / 1000 // 0.001 is not exact.
      : Number(digits) * (MILLISECONDS[unit.toLowerCase()] ?? NaN);
    // Timers hold 31 bits of milliseconds and fire at once when given more.
    return value < 2 ** 31 ? value : undefined;
  },
  format(value) {
    if (value === 0) return "0";
    if (value % 60_000 === 0 && value > 60_000) return `${value / 60_000}m`;
    return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  },
};

/** A number with a unit: k is `base`, m its square. */
function scaled(
  placeholder: string,
  expected: string,
  base: number,
  isOne: (value: number) => boolean,
): ValueType<number> {
  return {
    placeholder,
    expected,
    parse(text) {
      const [, digits, unit = ""] = /^(\d{1,10}(?:\.\d+)?)([km]?)$/i.exec(text) ?? [];
      const value = Number(digits ?? NaN) * base ** ["", "k", "m"].indexOf(unit.toLowerCase());
      return isOne(value) ? value : undefined;
    },
  };
}

function isWhole(least: number, most: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= least && value <= most;
}

export function count(least: number, most = 2 ** 31 - 1): ValueType<number> {
  const expected = `a whole number such as 5 or 10k, from ${least} to ${most}`;
  return scaled("N", expected, 1000, isWhole(least, most));
}

/** A number of threads; `auto` is the number of cores, unless another one is given. */
export function cores(auto = () => navigator.hardwareConcurrency): ValueType<number> {
  return {
    placeholder: "N",
    choices: ["auto"],
    expected: "a number of threads from 1 to 256, or auto",
    parse: (text) => text === "auto" ? auto() : count(1, 256).parse(text),
  };
}

export const rate = scaled(
  "N",
  "a rate such as 0.5, 200 or 10k, from 0 to 2147483648",
  1000,
  (value) => value <= 2 ** 31,
);

export function size(least: number, most: number): ValueType<number> {
  const expected = `a size such as 64 or 4k, from ${least} to ${most} bytes`;
  return scaled("SIZE", expected, 1024, isWhole(least, most));
}

export const messageSize = size(1, 64 * 1024 * 1024);

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** One value, or a range of them: `A..B`. */
export function range(type: ValueType<number>): ValueType<Range> {
  return {
    placeholder: `${type.placeholder}|A..B`,
    expected: `${type.expected}, or A..B, the smaller first`,
    parse(text) {
      const [first = "", second = first, ...more] = text.split(/\.\.(?!\.)/);
      const [least, most] = [type.parse(first), type.parse(second)];
      const isRange = least !== undefined && most !== undefined && least <= most;
      return isRange && more.length === 0 ? { least, most } : undefined;
    },
  };
}

export const probability: ValueType<number> = {
  placeholder: "P",
  expected: "a probability such as 0.01, 1% or 1e-6, from 0 to 1",
  parse(text) {
    const [, digits, percent] = /^(\d*\.?\d+(?:e-?\d+)?)(%?)$/i.exec(text) ?? [];
    const value = Number(digits ?? NaN) / (percent === "%" ? 100 : 1);
    return value <= 1 ? value : undefined;
  },
};

function text(placeholder: string, expected: string): ValueType<string> {
  return { placeholder, expected, parse: String };
}

export const file = text("FILE", "a file");
export const fileOrStdin = text("FILE", "a file, or - for stdin");
export const host = text("NAME", "a name");

/** An IP address, or a network of them. */
export const network: ValueType<string> = {
  placeholder: "CIDR",
  expected: "an address or a network such as 10.0.0.0/8",
  parse(text) {
    const [, v4, v6, bits = 0] = /^(?:(\d+(?:\.\d+){3})|([\da-f:.]+))(?:\/(\d+))?$/i.exec(text) ??
      [];
    // URL normalizes other spellings, such as 010.0.0.1, which are refused.
    const isV4 = URL.parse(`http://${v4}`)?.hostname === v4;
    const isAddress = v6 === undefined ? isV4 : URL.canParse(`http://[${v6}]`);
    return isAddress && Number(bits) <= (isV4 ? 32 : 128) ? text : undefined;
  },
};

export const fileMode: ValueType<number> = {
  placeholder: "MODE",
  expected: "permissions in octal such as 0600",
  parse: (text) => /^[0-7]{3,4}$/.test(text) ? parseInt(text, 8) : undefined,
  format: (mode) => mode.toString(8).padStart(4, "0"),
};

export function choice<const Name extends string>(names: readonly Name[]): ValueType<Name> {
  return {
    placeholder: names.join("|"),
    choices: names,
    expected: `one of ${names.join(", ")}`,
    parse: (text) => names.find((name) => name === text.toLowerCase()),
  };
}
