import { countCalls } from '../../../../../gateway/subgraph-calls/interceptors/measure-calls';
import { TransportError } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { requestOf } from '../../../../support/subgraph-request';

it.each([
  ['broken', 0],
  ['nowhere', 0],
  ['refused', 1],
  ['timeout', 1],
] as const)('counts of a call that fails as "%s" as sent: %i', async (failure, sent) => {
  const caller = callerOf();
  const send = countCalls()(() => Promise.reject(new TransportError('reviews', failure)));
  await expect(send(requestOf('{a}', {}, caller))).rejects.toMatchObject({ failure });
  expect(caller.calls.sent).toBe(sent);
});
