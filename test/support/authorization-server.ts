import { join } from 'node:path';
import { startProcess } from './process';

export interface AuthorizationServer {
  readonly issuer: string;
  /** What the exchange answers with from now on: another audience, a refusal, the token of the caller. @default what is requested */
  exchangeWith(fault: { audience?: string; status?: string; same?: string }): Promise<void>;
  /** What a user's browser does with the URL of an authorisation request. Resolves with the parameters that come back. */
  authorize(url: URL): Promise<URLSearchParams>;
  stop(): Promise<unknown>;
}

/** @param resources scopes by audience, that of agents first */
export async function startAuthorizationServer(
  resources: Readonly<Record<string, string>>,
  redirect: string,
): Promise<AuthorizationServer> {
  const script = join(__dirname, 'authorization-process.mjs');
  const running = startProcess([script, JSON.stringify({ resources, redirect })]);
  const [issuer] = await running.printed(/http:\/\/127\.0\.0\.1:\d+/);
  return {
    issuer,
    exchangeWith: async (fault) =>
      void (await fetch(`${issuer}/control?${new URLSearchParams(fault).toString()}`)),
    async authorize(url) {
      const cookies = new Map<string, string>();
      for (let next = url, hop = 0; hop < 10; hop++) {
        const cookie = Array.from(cookies, (pair) => pair.join('=')).join('; ');
        const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
        for (const each of answer.headers.getSetCookie()) {
          const [name, value] = each.split(';')[0]!.split('=') as [string, string];
          cookies.set(name, value);
        }
        const location = answer.headers.get('location');
        if (location === null)
          throw new Error(`${next.href} was answered with ${answer.status}: ${await answer.text()}`);
        next = new URL(location, issuer);
        if (next.href.startsWith(redirect)) return next.searchParams;
      }
      throw new Error('There were too many redirects.');
    },
    stop: () => running.stop(),
  };
}
