import { isLinkKey } from '../../options/private-links';
import { whyUnreadable } from '../../options/problem';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hmacSha256 } from '../../net/hmac';

/** A secret that gateway and subgraphs share. */
export interface LinkKey {
  /** The beginning of the secret's SHA-256. It identifies the key without revealing it. */
  readonly id: string;
  /** HMAC-SHA-256 of an ASCII text, in base64. */
  readonly hmac: (text: string) => string;
}

/** The keys, which change when their file does. */
export interface LinkKeys {
  /** The key to sign with. */
  readonly current: LinkKey;
  /** Those that subgraphs may sign with, the current one first. */
  readonly all: readonly LinkKey[];
  close(): void;
}

export interface LinkKeysOptions {
  /** Secrets. Calls are signed with the first one. */
  readonly keys?: readonly string[] | undefined;
  /** A file with one secret per line. Empty lines and lines that begin with `#` are ignored. */
  readonly keysFile?: string | undefined;
  /** Called when the file has changed: with the new key to sign with, or with the error of the file. */
  readonly onChange?: ((change: LinkKey | Error) => void) | undefined;
  /** How often the file is read, in milliseconds. @default 1000 */
  readonly interval?: number | undefined;
}

/** Opens the keys; at least one is required. @throws if the file cannot be read or a key is too short */
export function openLinkKeys(options: LinkKeysOptions): LinkKeys {
  const { keys = [], keysFile: file, onChange = () => undefined, interval = 1000 } = options;
  if (file === undefined) {
    const all = toKeys(keys, 'The keys');
    return { current: all[0]!, all, close: () => undefined };
  }

  let all = readKeys(file);
  let current = all[0]!;
  let trouble: string | undefined;
  const look = (): void => {
    try {
      all = readKeys(file);
      trouble = undefined;
      if (all[0]!.id === current.id) return;
      current = all[0]!;
      onChange(current);
    } catch (error) {
      // Calls are still signed with the previous key.
      const { message } = error as Error;
      if (message !== trouble) onChange(error as Error);
      trouble = message;
    }
  };
  // Polling, as a file watcher would miss the replacement of a mounted secret.
  const timer = setInterval(look, interval).unref();
  return {
    get current() {
      return current;
    },
    get all() {
      return all;
    },
    close: () => clearInterval(timer),
  };
}

function readKeys(file: string): LinkKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} ${whyUnreadable(error)}.`, { cause: error });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return toKeys(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    file,
  );
}

function toKeys(secrets: readonly string[], source: string): LinkKey[] {
  if (secrets.length === 0) throw new Error(`${source} must hold at least one key.`);
  if (secrets.some((secret) => !isLinkKey(secret))) {
    throw new Error(`${source} must hold keys of 32 or more letters, digits and any of -._~+/=, one a line.`);
  }
  return secrets.map(toKey);
}

/** The HMAC key is the UTF-8 of the secret's text. */
export const toKey = (secret: string): LinkKey => ({
  id: hash('sha256', secret, 'hex').slice(0, 8),
  hmac: hmacSha256(Buffer.from(secret)),
});
