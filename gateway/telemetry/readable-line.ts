import { styleText } from 'node:util';
import { printable } from './printable';

export interface ReadableOptions {
  /** Whether the line begins with the time of day in UTC. @default false */
  readonly time?: boolean | undefined;
  /** Whether the level is coloured. @default false */
  readonly colours?: boolean | undefined;
}

/**
 * The readable form of a JSON log line: level, message, `key=value`. Any other line is returned unchanged. Without a
 * line break at the end. Control characters in values are escaped, so that no value can move the cursor or look like
 * another line.
 */
export function readableLine(line: string, { time = false, colours = false }: ReadableOptions = {}): string {
  const record = parse(line);
  if (!record) return line;
  const { level, msg, err } = record;
  const name = typeof level === 'string' ? level : levelNames[String(level)];
  const facts = Object.entries(record).filter(([key, value]) => !hidden.has(key) && !isBlock(key, value));
  return [
    time ? timeOfDay(record['time']) : undefined,
    name === undefined ? undefined : coloured(printable(name), name, colours),
    typeof msg === 'string' ? printable(msg) : undefined,
    ...facts.map(([key, value]) => `${printable(key)}=${show(value)}`),
    err === undefined ? undefined : describeError(err, name, msg),
    ...blocks.flatMap((key) => (isBlock(key, record[key]) ? [indented(record[key] as string)] : [])),
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

const levelNames: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** Fields that are not shown. */
const hidden = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);

/** Fields with several lines, which the gateway itself writes. */
const blocks = ['plan'];
const isBlock = (key: string, value: unknown): boolean => blocks.includes(key) && typeof value === 'string';

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record = JSON.parse(line) as Record<string, unknown>;
    return 'level' in record ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The time of day, such as `12:04:05.678`, from ISO 8601. */
const timeOfDay = (time: unknown): string | undefined =>
  typeof time === 'string' ? /T(\d\d:\d\d:\d\d\.\d{3})Z$/.exec(time)?.[1] : undefined;

function coloured(text: string, level: string, colours: boolean): string {
  if (!colours) return text;
  const colour = level === 'error' || level === 'fatal' ? 'red' : level === 'warn' ? 'yellow' : 'dim';
  return styleText(colour, text, { validateStream: false });
}

function show(value: unknown): string {
  const json = printable(JSON.stringify(value));
  return typeof value === 'string' && value !== '' && json === `"${value}"` && !/\s/.test(value)
    ? value
    : json;
}

/** The stack for errors of high level; otherwise the message, unless it equals `msg`. */
function describeError(err: unknown, level: string | undefined, msg: unknown): string | undefined {
  const { message, stack } = err as { message?: string; stack?: string };
  if (stack && (level === 'error' || level === 'fatal')) return indented(stack, '');
  return message === msg ? undefined : `(${printable(String(message))})`;
}

const indented = (text: string, by = '    '): string =>
  text
    .split('\n')
    .map((line) => `\n${by}${printable(line)}`)
    .join('');
