import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { requestError } from '../errors';
import type { Logger } from '../telemetry/logger';
import { fetchJson } from './fetch-json';

/** The public keys of an issuer of tokens. Finding one rejects with an error of `jose`, or with a 503. */
export interface KeySet {
  readonly find: JWTVerifyGetKey;
  close(): void;
}

export interface RemoteKeysOptions {
  /** The issuer, for the log. */
  readonly issuer: string;
  /** Where its JSON Web Key Set is (RFC 7517). */
  readonly locate: (signal: AbortSignal) => Promise<string>;
  readonly logger: Pick<Logger, 'error'>;
}

/** Keys that stand in the configuration. */
export function localKeys(keys: JSONWebKeySet): KeySet {
  return { find: createLocalJWKSet(keys), close: () => undefined };
}

/**
 * Keys that an issuer publishes, fetched at once and again when they are ten minutes old, or when a token names one
 * that is not there. Unlike `createRemoteJWKSet` of `jose`, it goes on with what it has while the issuer is down, and
 * no request waits for a refresh but those that need the new key. However many tokens with keys that nobody has come,
 * the issuer is asked once in 30 seconds.
 */
export function remoteKeys({ issuer, locate, logger }: RemoteKeysOptions): KeySet {
  const closing = new AbortController();
  let known: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = -Infinity;
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;

  const mayAsk = (): boolean =>
    asking !== undefined || performance.now() - askedAt > (known === undefined ? firstCoolDown : coolDown);

  const refresh = (): Promise<void> => (asking ??= load().finally(() => (asking = undefined)));

  async function load(): Promise<void> {
    askedAt = performance.now();
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeout)]);
    try {
      known = createLocalJWKSet((await fetchJson(await locate(signal), { signal })) as JSONWebKeySet);
      fetchedAt = performance.now();
    } catch (error) {
      if (!closing.signal.aborted)
        logger.error({ err: error, issuer }, 'the keys of an issuer are unavailable');
    }
  }

  const find: JWTVerifyGetKey = async (...token) => {
    if (known === undefined && mayAsk()) await refresh();
    if (known === undefined) {
      throw requestError('AUTHENTICATION_UNAVAILABLE', {}, { headers: { 'retry-after': '1' } });
    }
    if (performance.now() - fetchedAt > freshFor && mayAsk()) void refresh();
    try {
      return await known(...token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAsk()) throw error;
      await refresh();
      return known(...token);
    }
  };

  void refresh();
  return { find, close: () => closing.abort() };
}

/** Milliseconds, all of them. */
const freshFor = 10 * 60_000;
const coolDown = 30_000;
const firstCoolDown = 1_000;
const timeout = 5_000;
