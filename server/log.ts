// The log of a server. Its caller decides where that goes.

/** Details of a log line. Keys end in their units: `duration_ms`. */
export type LogFields = Record<string, string | number | readonly string[]>;

/** Writes a line of the log. */
export type LogLine = (message: string, fields?: LogFields) => void;

/**
 * A function for each level of the log. Missing levels are not logged; lines are written as
 * `log.debug?.(…)`, so that missing ones cost nothing.
 */
export interface Log {
  /** For debugging. */
  debug?: LogLine;
  /** Normal events. */
  info?: LogLine;
  /** Events that need attention. */
  warn?: LogLine;
  /** Failures. */
  error?: LogLine;
}

/** From the most verbose to the quietest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies (keyof Log)[];

export type LogLevel = typeof LOG_LEVELS[number];

/** How the log shows received bytes. */
export type LogDataForm = "off" | "text" | "hex";

export const LOG_DATA_FORMS = ["off", "text", "hex"] as const satisfies LogDataForm[];
