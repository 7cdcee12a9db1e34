import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import { withTimeout } from '../../net/time-limit';
import { type HookModule, loadHook } from '../hook';
import { createIdentity, type Identity } from '../identity';

/** An access key with which requests may be signed. */
export interface AccessKey {
  readonly secretAccessKey: string;
  /** The token of a temporary key, in `x-amz-security-token`. */
  readonly sessionToken: string | undefined;
  readonly identity: Identity;
}

/** Resolves with undefined for an unknown key. Rejects with a 503 if the look-up fails. */
export type FindAccessKey = (
  accessKeyId: string,
  sessionToken: string | undefined,
) => AccessKey | undefined | Promise<AccessKey | undefined>;

/** Looks up a key, for example in Secrets Manager. The answer is cached for five minutes. */
export type AccessKeyLookup = (accessKeyId: string, sessionToken: string | undefined) => unknown;

/** The keys of the configuration, and then those of its module. */
export function accessKeys(
  { keys, module }: Pick<NonNullable<Options['auth']['iam']>, 'keys' | 'module'>,
  logger: Pick<Logger, 'error'>,
): FindAccessKey {
  const configured = new Map(keys.map((key) => [key.accessKeyId, accessKey(key)]));
  if (module === undefined) return (accessKeyId) => configured.get(accessKeyId);
  const lookUp = lookUpWith(module, logger);
  return (accessKeyId, sessionToken) => configured.get(accessKeyId) ?? lookUp(accessKeyId, sessionToken);
}

function lookUpWith(module: HookModule, logger: Pick<Logger, 'error'>): FindAccessKey {
  const hook = loadHook<AccessKeyLookup>(module);
  const remembered = new LRUCache<string, { readonly key: AccessKey | undefined }>({ max: 10_000 });
  return async (accessKeyId, sessionToken) => {
    const name = `${accessKeyId}\n${sessionToken ?? ''}`;
    const known = remembered.get(name);
    if (known !== undefined) return known.key;
    try {
      const found = await withTimeout(lookupTimeout, async () => (await hook())(accessKeyId, sessionToken));
      const key = found == null ? undefined : accessKey({ accessKeyId, ...foundKey.parse(found) });
      remembered.set(name, { key }, { ttl: key === undefined ? unknownFor : knownFor });
      return key;
    } catch (error) {
      logger.error({ err: error, accessKeyId }, 'an access key could not be looked up');
      throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
    }
  };
}

/** Timeout of a look-up, in milliseconds. */
const lookupTimeout = 5_000;
const knownFor = 5 * 60_000;
const unknownFor = 10_000;

const texts = z.array(z.string()).default([]);
const foundKey = z.object({
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().optional(),
  subject: z.string().optional(),
  client: z.string().optional(),
  groups: texts,
  scopes: texts,
});

function accessKey(key: { readonly accessKeyId: string } & z.output<typeof foundKey>): AccessKey {
  const { accessKeyId, secretAccessKey, sessionToken, subject, client, groups, scopes } = key;
  const claims = { accessKeyId };
  const identity = createIdentity({
    mode: 'iam',
    subject,
    client: client ?? accessKeyId,
    groups,
    scopes,
    claims,
  });
  return { secretAccessKey, sessionToken, identity };
}
