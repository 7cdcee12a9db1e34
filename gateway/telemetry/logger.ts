import pino from 'pino';
import type { Options } from '../options';
import { printable } from './printable';
import { readableLine } from './readable-line';
import { Redaction } from './redaction';

export interface Logger extends pino.Logger {
  /**
   * Writes a line whose facts are JSON already, each with a comma before it, and its texts `printable`. For the line of
   * every request: what pino does for its facts takes as long as to find an answer in memory. Whether the level is
   * logged, the caller has asked.
   */
  writeLine(level: pino.Level, facts: string, message: string): void;
  /** From now on leaves these texts, and no others, out of every line. */
  hide(secrets: readonly string[]): void;
}
/** Takes one line of JSON at a time. */
export type LogDestination = pino.DestinationStream;

export interface LoggerOptions {
  readonly level: string;
  /** @default standard output */
  readonly destination?: LogDestination | undefined;
  /** `pretty` is for people, `auto` is that where standard output is a terminal. @default 'json' */
  readonly format?: Options['logging']['format'] | undefined;
}

/**
 * Lines of JSON: `level` by name, `time` in ISO 8601, `msg`, and the facts; or the same for people. Characters that a
 * terminal would obey are escaped.
 */
export function createLogger({ level, destination, format = 'json' }: LoggerOptions): Logger {
  const redaction = new Redaction();
  const redact = (line: string): string => redaction.redact(line);
  const shown =
    format === 'pretty' || (format === 'auto' && isTerminal(destination))
      ? forPeople(destination)
      : undefined;
  const output = destination ?? (standardOutput ??= openStandardOutput());
  const timestamp = isoTime();
  const logger = pino(
    {
      level,
      base: { name },
      timestamp,
      hooks: { streamWrite: (line) => shown?.(redact(line)) ?? `${printable(redact(line).trimEnd())}\n` },
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
  return Object.assign(logger, {
    writeLine(label: pino.Level, facts: string, message: string): void {
      const line = `{"level":"${label}"${timestamp()},"name":"${name}"${facts},"msg":"${message}"}\n`;
      output.write(shown?.(redact(line)) ?? redact(line));
    },
    hide: (secrets: readonly string[]) => redaction.hide(secrets),
  });
}

const name = 'gateway';

const isTerminal = (destination: LogDestination | undefined): boolean =>
  destination === undefined && process.stdout.isTTY;

/** Coloured where a terminal shows it that has colours, and `NO_COLOR` is not set. */
function forPeople(destination: LogDestination | undefined): (line: string) => string {
  const colours = isTerminal(destination) && process.stdout.hasColors();
  return (line) => `${readableLine(line, { time: true, colours })}\n`;
}

/** As pino's own, which writes out each of the many times of one millisecond. */
function isoTime(): () => string {
  let last = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== last) text = `,"time":"${new Date((last = now)).toISOString()}"`;
    return text;
  };
}

/**
 * Writes lines together, after ten milliseconds or when they are many: each write wakes whoever reads them, which took a
 * tenth of the CPU time of *page* when it was done in each turn of the event loop. What ends the process waits for them,
 * but for SIGKILL.
 */
function openStandardOutput(): LogDestination {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = (): void => {
    const written = lines;
    lines = '';
    if (written !== '') output.write(written);
  };
  process.on('exit', flush);
  return {
    write(line) {
      if (lines === '') setTimeout(flush, pause).unref();
      lines += line;
      if (lines.length >= manyLines) flush();
    },
  };
}

/** One for all loggers: each would wait for the end of the process with a listener of its own. */
let standardOutput: LogDestination | undefined;

/** Milliseconds. */
const pause = 10;

/** Characters. */
const manyLines = 32_768;
