// A turn: all figures of one program, in one round.
import type { Figure } from "./figures.ts";

/** What each turn measures, and for how long, in seconds, after so much warm-up. */
export interface Plan {
  readonly warmUp: number;
  readonly seconds: number;
  wants(step: string): boolean;
}

/** Measures, and says what it found, by the names of figures. */
export type Step = (name: string, measure: () => Promise<Record<string, number>>) => Promise<void>;

/** A turn of a program. */
export interface Turn {
  readonly section: string;
  readonly program: string;
  /** The names of its steps, in their order. */
  readonly steps: readonly string[];
  /**
   * Does them.
   *
   * @param step is called for each of them
   * @throws {Error} where the program could not be started
   */
  take(step: Step): Promise<void>;
}

/** A figure of speed. */
export function speed(name: string, title: string, unit: string): Figure {
  return { name, title, unit, isSpeed: true };
}

/** A figure of cost: time or memory. */
export function cost(name: string, title: string, unit: string): Figure {
  return { name, title, unit, isSpeed: false };
}
