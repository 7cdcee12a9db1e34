import { compileKeyHeaders } from '../../../../../gateway/cache/key-headers';
import { AnswerHeaders } from '../../../../../gateway/cache/responses/answer-headers';
import { storedAnswer } from '../../../../../gateway/cache/responses/stored-answer';
import { parseOptions } from '../../../../../gateway/options';

it('names each header once in `Vary`, also where credentials choose the graph', () => {
  const options = parseOptions({
    auth: {
      apiKeys: [{ client: 'shop', sha256: '0'.repeat(64) }],
      oidc: [{ issuer: 'https://issuer.example', audience: 'shop' }],
    },
    supergraph: { registry: 'folder' },
    graphs: { default: 'shop@prod', choose: [{ claim: 'tenant', graph: 'shop@{value}' }] },
  });
  const headers = new AnswerHeaders({
    ...{ keyHeaders: compileKeyHeaders(options), cdn: false, compress: true, areAllPrivate: true },
  });
  const policy = { scope: 'public', maxAge: 60, staleWhileRevalidate: 0, staleIfError: 0 } as const;
  const answer = storedAnswer(Buffer.from('{"data":{}}'), policy, [], Date.now());
  const keys = { supergraph: '', base: undefined, isFor: () => true };
  const described = headers.describe({ answer, result: 'MISS', keys });
  expect(described[described.indexOf('vary') + 1]!.split(', ').sort()).toEqual([
    ...['accept', 'accept-encoding', 'authorization', 'x-api-key'],
  ]);
});
