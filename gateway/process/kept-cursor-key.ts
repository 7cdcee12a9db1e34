import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hmacSha256 } from '../net/hmac';
import { withTimeout } from '../net/time-limit';
import { openAgreement } from '../cache/stores/agreed-value';
import { cursorKey, type CursorKeys } from '../graph/subscriptions/cursor';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';

export interface KeptCursorKeyOptions {
  /** Of a shared store, in which gateways agree on the key. */
  readonly cache: Options['cache'];
  /** The file of the key where there is no shared store. @default '.weir/cursor-key' */
  readonly file?: string | undefined;
  readonly logger: Pick<Logger, 'warn'>;
  /** Milliseconds between two attempts to have the key kept. @default 10000 */
  readonly retryEvery?: number | undefined;
}

/**
 * The key of cursors for a gateway without link keys: random, and the same after a restart and for all gateways with the
 * same store, or the same folder. It is looked for when it is first needed. While it cannot be kept, the process has one of
 * its own, and its cursors are foreign to others.
 */
export function keepCursorKey({
  cache,
  file = join('.weir', 'cursor-key'),
  logger,
  retryEvery = 10_000,
}: KeptCursorKeyOptions): CursorKeys {
  const agree = openAgreement(cache, 'cursor-key') ?? ((proposed: string) => agreeInFile(file, proposed));
  /** The first one signs. */
  let secrets = [randomBytes(secretSize).toString('base64url')];
  let keys = secrets.map(keyOf);
  let nextLook = 0;
  let isFirst = true;
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const [own] = secrets as [string];
    try {
      const agreed = await withTimeout(patience, () => agree(own));
      if (!isSecret(agreed)) throw new Error('What is kept there is no key.');
      // A store may have lost the key: all that have it propose it again.
      nextLook = performance.now() + lookEvery;
      if (agreed === own) return;
      secrets = isFirst ? [agreed] : [agreed, ...secrets.filter((each) => each !== agreed)].slice(0, most);
      keys = secrets.map(keyOf);
    } catch (error) {
      if (isFirst) logger.warn({ err: error }, 'the key of cursors is not kept: no other gateway takes them');
      nextLook = performance.now() + retryEvery;
    } finally {
      isFirst = false;
      looking = undefined;
    }
  };

  return () => {
    if (performance.now() >= nextLook) looking ??= look();
    return isFirst && looking !== undefined ? looking.then(() => keys) : keys;
  };
}

const keyOf = (secret: string) => cursorKey(hmacSha256(Buffer.from(secret)));
const isSecret = (text: string): boolean => /^[\w-]{43}$/.test(text);

const secretSize = 32;
/** Milliseconds for an answer of the store. */
const patience = 2_000;
/** Milliseconds between two looks at the key that is kept. */
const lookEvery = 600_000;
/** Keys whose cursors are taken. */
const most = 3;

/** Several gateways may do so at once: the first one makes the file, which is whole then. */
async function agreeInFile(file: string, proposed: string): Promise<string> {
  const known = await read(file);
  if (known !== undefined) return known;
  const draft = `${file}.${randomUUID()}`;
  await mkdir(dirname(file), { recursive: true });
  try {
    await writeFile(draft, `${proposed}\n`, { mode: 0o600 });
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await read(file)) ?? proposed;
}

async function read(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
