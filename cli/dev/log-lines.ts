const levelNames: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** What a reader of a terminal knows anyway. */
const hidden = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);

/** A line of a JSON log as people read it: level, message, `key=value`. Any other line as it is. */
export function readableLine(line: string): string {
  const record = parse(line);
  if (!record) return line;
  const { level, msg, err } = record;
  const name = typeof level === 'string' ? level : levelNames[String(level)];
  const facts = Object.entries(record).filter(([key]) => !hidden.has(key));
  return [
    name,
    typeof msg === 'string' ? msg : undefined,
    ...facts.map(([key, value]) => `${key}=${show(value)}`),
    err === undefined ? undefined : describeError(err, name, msg),
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const record = JSON.parse(line) as Record<string, unknown>;
    return 'level' in record ? record : undefined;
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value);
}

/** The stack, where something is broken; otherwise the message, unless it is said already. */
function describeError(err: unknown, level: string | undefined, msg: unknown): string | undefined {
  const { message, stack } = err as { message?: string; stack?: string };
  if (stack && (level === 'error' || level === 'fatal')) return `\n${stack}`;
  return message === msg ? undefined : `(${message})`;
}
