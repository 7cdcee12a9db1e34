import {
  compose,
  type Interceptor,
  routeBySubgraph,
  type Send,
  type SubgraphRequest,
  TransportError,
} from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';

const request = (subgraph: string): SubgraphRequest => ({
  operation: { subgraph, kind: 'query', document: '{a}', name: undefined, bodyPrefix: Buffer.alloc(0) },
  variables: Buffer.alloc(0),
  caller: callerOf(),
});
const answering =
  (text: string): Send =>
  async () => ({ status: 200, headers: {}, body: Buffer.from(text) });

describe('compose', () => {
  it('wraps a send so that the first interceptor is the outermost', async () => {
    const seen: string[] = [];
    const watch =
      (name: string): Interceptor =>
      (next) =>
      async (call) => {
        seen.push(`${name} asks`);
        const response = await next(call);
        seen.push(`${name} answers`);
        return response;
      };
    const { body } = await compose(answering('a'), [watch('outer'), watch('inner')])(request('a'));
    expect(body.toString()).toBe('a');
    expect(seen).toEqual(['outer asks', 'inner asks', 'inner answers', 'outer answers']);
  });
});

describe('routeBySubgraph', () => {
  const send = routeBySubgraph(
    new Map([
      ['a', answering('from a')],
      ['b', answering('from b')],
    ]),
  );

  it('sends each call by the send of its subgraph', async () => {
    expect((await send(request('a'))).body.toString()).toBe('from a');
    expect((await send(request('b'))).body.toString()).toBe('from b');
  });

  it('fails for an unknown subgraph', async () => {
    await expect(send(request('c'))).rejects.toEqual(new TransportError('c', 'unknown'));
  });
});
