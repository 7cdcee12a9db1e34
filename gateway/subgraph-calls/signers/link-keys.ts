import { isLinkKey } from '../../options/private-links';
import { whyUnreadable } from '../../options/problem';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hmacSha256 } from '../../auth/hmac';

/** A secret that gateway and subgraphs share. */
export interface LinkKey {
  /** The beginning of the secret's SHA-256: which key it is, and nothing of what it is. */
  readonly id: string;
  /** HMAC-SHA-256 of an ASCII text, in base64. */
  readonly hmac: (text: string) => string;
}

/** The key to sign with, which changes when its file does. */
export interface LinkKeys {
  readonly current: LinkKey;
  close(): void;
}

export interface LinkKeysOptions {
  /** Secrets, the first one of which is signed with. */
  readonly keys?: readonly string[] | undefined;
  /** A file that has them, one a line; empty lines and those that begin with `#` are left out. */
  readonly keysFile?: string | undefined;
  /** Called when the file has changed, with the key that now counts, or with what is wrong with the file. */
  readonly onChange?: ((change: LinkKey | Error) => void) | undefined;
  /** Milliseconds between two looks at the file. @default 1000 */
  readonly interval?: number | undefined;
}

/** Opens the keys, of which there is at least one. @throws when the file cannot be read or a key is too short */
export function openLinkKeys(options: LinkKeysOptions): LinkKeys {
  const { keys = [], keysFile: file, onChange = () => undefined, interval = 1000 } = options;
  if (file === undefined) return { current: toKeys(keys, 'The keys')[0]!, close: () => undefined };

  let current = readKeys(file)[0]!;
  let trouble: string | undefined;
  const look = (): void => {
    try {
      const [first] = readKeys(file);
      trouble = undefined;
      if (first!.id === current.id) return;
      current = first!;
      onChange(current);
    } catch (error) {
      // With the key from before, calls go on.
      const { message } = error as Error;
      if (message !== trouble) onChange(error as Error);
      trouble = message;
    }
  };
  // Read again and again rather than watched: that also sees a mounted secret that is replaced.
  const timer = setInterval(look, interval).unref();
  return {
    get current() {
      return current;
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

/** The secret is the bytes of its text. */
export const toKey = (secret: string): LinkKey => ({
  id: hash('sha256', secret, 'hex').slice(0, 8),
  hmac: hmacSha256(Buffer.from(secret)),
});
