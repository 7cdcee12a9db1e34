import { createServer, connect as connectTls, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { sign } from 'aws4';
import type { RedisServer } from './redis-server';
import { certificates } from './tls-certificates';

/** What the user of a gateway may do, as docs/caching.md says. */
export const leastRights =
  'on ~{weir}:* &weir:invalidated -@all +@read +@write +@scripting +@pubsub +@connection -@admin -@dangerous +time +info +cluster|slots';

export interface IamKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface IamCache {
  /** The name of the cache, as tokens have it. */
  readonly host: string;
  readonly service: string;
  readonly region: string;
  readonly user: string;
  readonly key: IamKey;
}

/** What is wrong with a token, by the rules of Signature Version 4, computed by another signer. Undefined: nothing. */
export function problemOfToken(
  token: string,
  { host, service, region, user, key }: IamCache,
): string | undefined {
  const url = new URL(`http://${token}`);
  const given = url.searchParams;
  if (url.hostname !== host || url.pathname !== '/') return `It is for ${url.hostname}${url.pathname}.`;
  if (given.get('Action') !== 'connect') return 'Its action is not connect.';
  if (given.get('User') !== user) return 'It is for another user.';
  if (given.get('X-Amz-Security-Token') !== (key.sessionToken ?? null))
    return 'It has another session token.';
  const signature = given.get('X-Amz-Signature');
  const date = given.get('X-Amz-Date')!;
  const made = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const age = Date.now() - made;
  if (!(age >= -1000 && age < Number(given.get('X-Amz-Expires')) * 1000)) return 'It is not valid now.';
  if (given.get('X-Amz-Expires') !== '900') return 'It is not valid for 15 minutes.';
  for (const name of ['X-Amz-Signature', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-SignedHeaders'])
    given.delete(name);
  given.delete('X-Amz-Security-Token');
  const signed = sign(
    { ...{ service, region, host, method: 'GET', signQuery: true }, path: `/?${String(given)}` },
    key,
  );
  const expected = new URL(`http://${host}${signed.path!}`).searchParams.get('X-Amz-Signature');
  return signature === expected ? undefined : 'Its signature is wrong.';
}

export interface IamProxy {
  readonly port: number;
  /** Every token that a client sent, and what was wrong with it. */
  readonly seen: { readonly token: string; readonly problem: string | undefined }[];
  stop(): Promise<void>;
}

/**
 * Stands before a Redis as AWS does: it checks the tokens that clients send, and has the server take a good one as the
 * password of the user, in place of the one before.
 */
export async function startIamProxy(redis: RedisServer, cache: IamCache): Promise<IamProxy> {
  const seen: IamProxy['seen'] = [];
  const sockets = new Set<TLSSocket>();
  const { cert, key } = certificates.first;
  const server = createServer({ cert, key }, (client) => {
    const upstream = connectTls({ port: redis.port, host: '127.0.0.1', rejectUnauthorized: false });
    let passed: Promise<unknown> = Promise.resolve();
    client.on('data', (data: Buffer) => {
      passed = passed.then(async () => {
        for (const [token] of data.toString('latin1').matchAll(/^[^\r\n]*\?Action=[^\r\n]*/gm)) {
          const problem = problemOfToken(token, cache);
          seen.push({ token, problem });
          const password = problem === undefined ? `>${token}` : '';
          await redis.send(`ACL SETUSER ${cache.user} reset ${leastRights} ${password}`);
        }
        upstream.write(data);
      });
    });
    upstream.on('data', (data: Buffer) => client.write(data));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((closed) => server.close(closed));
    },
  };
}
