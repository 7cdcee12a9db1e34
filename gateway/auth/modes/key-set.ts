import { createSecretKey } from 'node:crypto';
import type { createLocalJWKSet, JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { requestError } from '../../errors';
import { timeLimit } from '../../net/time-limit';
import type { Logger } from '../../telemetry/logger';
import { fetchJson } from './fetch-json';
import { jose } from './jose';

/** The public keys of an issuer of tokens, or its secret. Finding one rejects with an error of `jose`, or with a 503. */
export interface KeySet {
  readonly find: JWTVerifyGetKey;
  close(): void;
}

export interface RemoteKeysOptions {
  /** The issuer, for the log. */
  readonly issuer: string;
  /** Returns the URL of its JSON Web Key Set (RFC 7517). */
  readonly locate: (signal: AbortSignal) => Promise<string>;
  readonly logger: Pick<Logger, 'error'>;
}

/** Keys from the configuration. */
export function localKeys(keys: JSONWebKeySet): KeySet {
  return { find: jose().createLocalJWKSet(keys), close: () => undefined };
}

/** The secret of an issuer that signs by HMAC. It has no public keys: none is ever taken for the secret. */
export function secretKey(secret: string): KeySet {
  const key = createSecretKey(secret, 'utf8');
  return { find: () => key, close: () => undefined };
}

/**
 * Keys that an issuer publishes. They are fetched at once, again every ten minutes, and when a token names an unknown
 * key. Unlike `createRemoteJWKSet` of `jose`, known keys stay valid while the issuer is down, and only requests that
 * need a new key wait for a refresh. For unknown keys the issuer is called at most once in 30 seconds, however many
 * such tokens arrive.
 */
export function remoteKeys({ issuer, locate, logger }: RemoteKeysOptions): KeySet {
  const closing = new AbortController();
  let known: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = -Infinity;
  let requestedAt = -Infinity;
  let pending: Promise<void> | undefined;

  const mayRequest = (): boolean =>
    pending !== undefined ||
    performance.now() - requestedAt > (known === undefined ? firstCoolDown : coolDown);

  const refresh = (): Promise<void> => (pending ??= load().finally(() => (pending = undefined)));

  async function load(): Promise<void> {
    requestedAt = performance.now();
    const signal = AbortSignal.any([closing.signal, timeLimit(timeout)]);
    try {
      known = jose().createLocalJWKSet((await fetchJson(await locate(signal), { signal })) as JSONWebKeySet);
      fetchedAt = performance.now();
    } catch (error) {
      if (!closing.signal.aborted)
        logger.error({ err: error, issuer }, 'the keys of an issuer are unavailable');
    }
  }

  const find: JWTVerifyGetKey = async (...token) => {
    if (known === undefined && mayRequest()) await refresh();
    if (known === undefined) {
      throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
    }
    if (performance.now() - fetchedAt > freshFor && mayRequest()) void refresh();
    try {
      return await known(...token);
    } catch (error) {
      if (!(error instanceof jose().errors.JWKSNoMatchingKey) || !mayRequest()) throw error;
      await refresh();
      return known(...token);
    }
  };

  void refresh();
  return { find, close: () => closing.abort() };
}

/** Milliseconds. */
const freshFor = 10 * 60_000;
const coolDown = 30_000;
const firstCoolDown = 1_000;
const timeout = 5_000;
