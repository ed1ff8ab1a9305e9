/**
 * The library for histograms, which only some commands need.
 *
 * @module
 */
import { YodelError } from "../errors/yodel_error.ts";

/** What the library exports. */
export type HistogramLibrary = typeof import("npm:hdr-histogram-js@3.0.1");

/** The library for histograms could not be loaded. Its message is one line for people. */
export class PackageError extends YodelError {
  /** `PackageError`. */
  override readonly name = "PackageError";

  /** Says why. */
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    super(`cannot load npm:hdr-histogram-js, which latencies need: ${why}`, { cause });
  }
}

/**
 * Loads the library.
 *
 * Deno fetches what the single text of an `import()` names before the program
 * starts, whatever it then does, so this one is a sum; the bundler of `deno
 * compile` adds it up and takes the library in.
 *
 * @throws {PackageError} where that fails
 */
export async function histogramLibrary(): Promise<HistogramLibrary> {
  try {
    return await import("npm:" + "hdr-histogram-js@3.0.1");
  } catch (error) {
    throw new PackageError(error);
  }
}
