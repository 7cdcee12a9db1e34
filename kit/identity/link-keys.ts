import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { StartError } from '../serve/start-error';

/** A secret shared by the gateway and the subgraphs. */
export interface LinkKey {
  /** The first characters of the secret's SHA-256. */
  readonly id: string;
  readonly secret: string;
}

/** The current keys. */
export interface LinkKeys {
  /** The first key signs; signatures of every key are accepted. */
  readonly current: readonly LinkKey[];
  close(): void;
}

/** The keys: as text, or a file with one secret per line. */
export type LinkKeysSettings =
  | { readonly keys: readonly string[]; readonly file?: undefined }
  | { readonly file: string; readonly keys?: undefined };

const interval = 1000;

/** Reads the keys, and follows changes of the file. Throws a {@link StartError} for no key or a short one. */
export function openLinkKeys(
  settings: LinkKeysSettings,
  onChange: (change: readonly LinkKey[] | Error) => void = () => undefined,
): LinkKeys {
  if (settings.keys) return { current: toKeys(settings.keys, 'WEIR_LINK_KEYS'), close: () => undefined };
  const { file } = settings;
  let current = readKeys(file);
  let trouble: string | undefined;
  const look = (): void => {
    try {
      const read = readKeys(file);
      trouble = undefined;
      if (read.map(({ id }) => id).join() === current.map(({ id }) => id).join()) return;
      current = read;
      onChange(current);
    } catch (error) {
      // The keys that were read before stay in force.
      const { message } = error as Error;
      if (message !== trouble) onChange(error as Error);
      trouble = message;
    }
  };
  const timer = setInterval(look, interval).unref();
  return {
    get current() {
      return current;
    },
    close: () => clearInterval(timer),
  };
}

function readKeys(file: string): readonly LinkKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const fact = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`;
    throw new StartError(`The file of keys ${file} ${fact}.`);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return toKeys(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    file,
  );
}

function toKeys(secrets: readonly string[], source: string): readonly LinkKey[] {
  if (secrets.length > 0 && secrets.every((secret) => /^[\w\-.~+/=]{32,}$/.test(secret)))
    return secrets.map((secret) => ({
      id: createHash('sha256').update(secret).digest('hex').slice(0, 8),
      secret,
    }));
  throw new StartError(`${source} must hold keys of 32 or more letters, digits and any of -._~+/=.`);
}
