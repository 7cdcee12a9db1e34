/** A Redis of the peers: one URL, with its user and password in it. */
import { type ForeignValue, hasReference } from '../foreign';
import type { Outcome } from '../table';
import type { Position } from '../translate';
import { byHand, texts } from '../values';

/** Takes the first of several URLs, as a cluster is found from one of its nodes. */
export function takeRedis(
  value: ForeignValue,
  at: Position,
  {
    user,
    password,
  }: { readonly user?: ForeignValue | undefined; readonly password?: ForeignValue | undefined } = {},
): Outcome | undefined {
  const [url] = texts(value) ?? [];
  if (url === undefined) return byHand('Write the URL of one node as `cache.store`.');
  const address =
    /^redis[a-z-]*:\/\/|^valkey:\/\//.test(url) || hasReference(url) ? url : 'redis://'.concat(url);
  const plain = address
    .replace(/^rediss-cluster:/, 'rediss:')
    .replace(/^(?:redis-cluster|valkey):/, 'redis:');
  const isPartial = typeof user === 'string' || typeof password === 'string';
  at.set('cache.store', isPartial ? withCredentials(plain, user, password) : plain);
  return undefined;
}

function withCredentials(
  url: string,
  user: ForeignValue | undefined,
  password: ForeignValue | undefined,
): string {
  const written = (value: ForeignValue | undefined): string =>
    typeof value !== 'string' ? '' : hasReference(value) ? value : encodeURIComponent(value);
  return url.replace(
    /^(rediss?:\/\/)(?:[^@/]*@)?/,
    (_, scheme: string) => `${scheme}${written(user)}:${written(password)}@`,
  );
}
