import pino from 'pino';
import type { Options } from '../options';
import { printable } from './printable';
import { readableLine } from './readable-line';

export interface Logger extends pino.Logger {
  /**
   * Writes a line whose fields are JSON already, each with a comma in front, and with `printable` texts. For the access
   * log: pino's own serialisation takes as long as a cache hit. The caller must check the level.
   */
  writeLine(level: pino.Level, facts: string, message: string): void;
  /** From now on leaves these texts, and no others, out of every line. */
  hide(secrets: readonly string[]): void;
  /** A text without what is hidden. */
  readonly redact: (text: string) => string;
}
/** Gets one line of JSON per call. */
export type LogDestination = pino.DestinationStream;

export interface LoggerOptions {
  readonly level: string;
  /** @default standard output */
  readonly destination?: LogDestination | undefined;
  /** `pretty` is for people; `auto` is `pretty` if standard output is a terminal. @default 'json' */
  readonly format?: Options['logging']['format'] | undefined;
}

/**
 * Creates a logger that writes JSON lines, with `level` by name, `time` in ISO 8601, `msg`, and fields, or a readable
 * form. Control characters are escaped.
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
    redact,
  });
}

const name = 'gateway';

const isTerminal = (destination: LogDestination | undefined): boolean =>
  destination === undefined && process.stdout.isTTY;

/** Coloured if it is written to a terminal with colours and `NO_COLOR` is not set. */
function forPeople(destination: LogDestination | undefined): (line: string) => string {
  const colours = isTerminal(destination) && process.stdout.hasColors();
  return (line) => `${readableLine(line, { time: true, colours })}\n`;
}

/** Like pino's own function, but formats each millisecond only once. */
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
 * Writes lines together, after 10 ms or when there are many. Each write wakes the reader; one write per turn of the
 * event loop took a tenth of the CPU time of *page*. Every end of the process but SIGKILL writes the remaining lines.
 */
function openStandardOutput(): LogDestination & { flush(): void } {
  const output = pino.destination({ dest: 1, sync: true });
  let lines = '';
  const flush = (): void => {
    const written = lines;
    lines = '';
    if (written !== '') output.write(written);
  };
  process.on('exit', flush);
  return {
    flush,
    write(line) {
      if (lines === '') setTimeout(flush, pause).unref();
      lines += line;
      if (lines.length >= manyLines) flush();
    },
  };
}

/** Shared by all loggers, as each instance has a listener for the end of the process. */
let standardOutput: LogDestination | undefined;

/** Milliseconds before lines are written. */
const pause = 10;

/** Characters from which lines are written at once. */
const manyLines = 32_768;

/** Leaves secrets out of texts. */
export class Redaction {
  #secrets: readonly string[] = [];

  /** Leaves out these, and no others. */
  hide(secrets: readonly string[]): void {
    // In JSON some characters are escaped. The longest come first, as a secret may be a part of another one.
    const all = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
    this.#secrets = [...new Set(all)].sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let redacted = text;
    for (const secret of this.#secrets)
      if (redacted.includes(secret)) redacted = redacted.replaceAll(secret, '[redacted]');
    return redacted;
  }
}
