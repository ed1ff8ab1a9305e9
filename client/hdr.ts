// The library for histograms, which only some commands need.
import { PackageError } from "../errors/yodel_error.ts";

/** What the library exports. */
export type HistogramLibrary = typeof import("npm:hdr-histogram-js@3.0.1");

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
    throw new PackageError("hdr-histogram-js, which latencies need", error);
  }
}
