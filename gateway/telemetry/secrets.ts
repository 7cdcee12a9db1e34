/**
 * The secrets in options: the values, however deep, of options that are named for one, and passwords in URLs. Whatever
 * writes them by mistake, a log line that holds one is written without it.
 */
export function secretsOf(options: unknown): string[] {
  const found = new Set<string>();
  walk(options, false);
  return [...found].sort((a, b) => b.length - a.length);

  function walk(value: unknown, isSecret: boolean): void {
    if (typeof value === 'string') {
      if (isSecret && value.length >= shortest) {
        found.add(value);
        const bare = value.replace(/^(?:bearer|basic)\s+/i, '');
        if (bare.length >= shortest) found.add(bare);
      }
      if (!/^[a-z0-9+.-]+:\/\//i.test(value) || !URL.canParse(value)) return;
      const { password } = new URL(value);
      if (password !== '') for (const each of [password, decodeURIComponent(password)]) found.add(each);
    } else if (Array.isArray(value)) {
      for (const each of value) walk(each, isSecret);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value))
        if (!namesOnly.has(name)) walk(member, isSecretOption(name, member) || isSecretMap(name, isSecret));
    }
  }
}

const secretName = /token|secret|password|^keys?$|apikey|authorization|credential/i;
/** The options of `authorization` are no header of that name. */
const isSecretOption = (name: string, value: unknown): boolean =>
  secretName.test(name) && !(name === 'authorization' && typeof value === 'object');
/** What they hold are names of headers and claims, which stand in other lines, too. */
const namesOnly = new Set(['forward', 'exclude', 'rename', 'claims', 'fields']);
/** `headers` of ours may be anything; better one word too many is left out. */
const isSecretMap = (name: string, isSecret: boolean): boolean =>
  isSecret || name === 'headers' || name === 'set';
/** Shorter ones would take words out of every line. */
const shortest = 8;

/** Leaves secrets out of a text; undefined when there are none. */
export function compileRedaction(secrets: readonly string[]): ((text: string) => string) | undefined {
  if (secrets.length === 0) return undefined;
  // In JSON some characters are escaped.
  const all = [...new Set(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))];
  return (text) => {
    let redacted = text;
    for (const secret of all)
      if (redacted.includes(secret)) redacted = redacted.replaceAll(secret, '[redacted]');
    return redacted;
  };
}
