import pino, { type Logger } from 'pino';
import { compileRedaction } from './secrets';

export type { Logger };
/** Takes one line of JSON at a time. */
export type LogDestination = pino.DestinationStream;

export interface LoggerOptions {
  readonly level: string;
  /** @default standard output */
  readonly destination?: LogDestination | undefined;
  /** Texts that are left out of every line. @default [] */
  readonly secrets?: readonly string[] | undefined;
}

/** Lines of JSON: `level` by name, `time` in ISO 8601, `msg`, and the facts. */
export function createLogger({ level, destination, secrets = [] }: LoggerOptions): Logger {
  const redact = compileRedaction(secrets);
  return pino(
    {
      level,
      base: { name: 'gateway' },
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(redact && { hooks: { streamWrite: redact } }),
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
