import { type OperationDefinitionNode, parse } from 'graphql';
import { createIdentity } from '../../../../../gateway/auth/identity';
import { OperationKeys, SubscriptionKeys } from '../../../../../gateway/graph/subscriptions/keys';

const document = 'subscription { joined }';
const operation = parse(document).definitions[0] as OperationDefinitionNode;

/** Whose events they are, for a caller with these headers. */
function streamOf(headers: Readonly<Record<string, string>>, subject?: string): string {
  const identity = createIdentity({ mode: 'oidc', issuer: 'https://issuer.example', subject });
  const opening = { operation: { subgraph: 'news', document }, variables: Buffer.from('{}') } as never;
  const news = { identity: 'forwarded', connection: 'c', tokenHeaders: ['x-jwt'] } as const;
  const keys = new OperationKeys({
    ...{ generation: 1, hash: 'h', operation, variables: {}, opening },
    ...{ subgraphs: new Map([['news', news]]), called: ['news'] },
  });
  const subscriber = { identity, headers, scope: JSON.stringify(headers), bySubgraph: undefined };
  return new SubscriptionKeys(subscriber, keys, { feed: undefined, variant: undefined, calls: 1 }).stream;
}

it.each(['authorization', 'x-jwt'])('a renewed token in %s makes nobody another caller', (header) => {
  const of = (token: string, subject = 'u1') => streamOf({ [header]: token, 'x-tenant': 'a' }, subject);
  expect(of('new')).toBe(of('old'));
  expect(of('new', 'u2')).not.toBe(of('old'));
});

it('another value of any other header does', () => {
  expect(streamOf({ 'x-tenant': 'a' }, 'u1')).not.toBe(streamOf({ 'x-tenant': 'b' }, 'u1'));
});
