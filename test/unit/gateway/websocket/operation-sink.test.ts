import { setImmediate as turn } from 'node:timers/promises';
import type { IncomingRequest } from '../../../../gateway/request/incoming-request';
import type { ResponsePart } from '../../../../gateway/request/sink';
import { flowOf } from '../../../../gateway/subgraph-calls/contract/source';
import { HeldSource } from '../../../support/held-source';
import { openRequests } from '../../../support/requests-in-flight';
import { openWebSocketSinks } from '../../../support/web-socket-sinks';

async function open() {
  let onRequest!: (request: IncomingRequest) => void;
  const sinks = await openWebSocketSinks(openRequests().requests, (request) => onRequest(request));
  const ask = async () => {
    const came = new Promise<IncomingRequest>((resolve) => (onRequest = resolve));
    const client = sinks.ask();
    return { client, request: await came };
  };
  return { sinks, ask };
}

const refusal = JSON.stringify({
  errors: [{ message: 'The gateway is shutting down.', extensions: { code: 'SHUTTING_DOWN' } }],
});

it.each([
  ['closes the connection of a subscription', 'subscription', 'The connection is closed.'],
  // Its client would send it again after a close, and it may have had its effect.
  ['tells the client of a mutation', 'mutation', refusal.slice('{"errors":'.length, -1)],
])('%s that is refused as the gateway stops', async (_, type, told) => {
  const { sinks, ask } = await open();
  const { client, request } = await ask();
  request.resolve({ name: null, type, id: 'x' });
  request.sink.answer({ status: 503, headers: [], body: refusal });
  await expect(client.part()).rejects.toThrow(told);
  await sinks.close();
});

it('closes the connection of a stream that the gateway ends as it stops, once others are answered', async () => {
  const { sinks, ask } = await open();
  const [stream, other] = [await ask(), await ask()];
  const parts = new HeldSource<ResponsePart>();
  const body = { ...flowOf(parts), kind: 'events' as const };
  stream.request.sink.answer({ status: 200, headers: [], body });
  parts.give({ body: Buffer.from('{"data":{"a":1}}') });
  expect(await stream.client.part()).toBe('{"data":{"a":1}}');
  parts.give({ body: Buffer.from('{"errors":[{"message":"It stops."}]}'), ending: 'shutdown' });
  parts.end();
  await turn();
  other.request.sink.answer({ status: 200, headers: [], body: '{"data":{"b":2}}' });
  expect(await other.client.text()).toBe('{"data":{"b":2}}');
  // It is not told that this was the end.
  await expect(stream.client.part()).rejects.toThrow('The connection is closed.');
  await sinks.close();
});
