import { type PublishBatchCommand, SNS } from '@aws-sdk/client-sns';
import fc from 'fast-check';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type DomainEvent } from '../../../../../kit/events/event';
import { fifoId, publishEvents } from '../../../../../kit/events/channels/sns-publisher';
import { anyCharacter } from '../../../../support/any-character';
import { orderPlaced } from '../../../../support/order-events';

const topicArn = 'arn:aws:sns:eu-west-1:123456789012:orders-events.fifo';
const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';

let count = 0;
const eventOf = (subject: string, data: unknown, changes: Partial<DomainEvent> = {}): DomainEvent =>
  orderPlaced({ id: `e${++count}`, subject, sequence: count, data, ...changes });

type Entry = NonNullable<PublishBatchCommand['input']['PublishBatchRequestEntries']>[number];

/** SNS, which refuses what `isRefused` says. */
function fakeSns(isRefused: (entry: Entry) => boolean = () => false) {
  const calls: Entry[][] = [];
  const taken: DomainEvent[] = [];
  const send = async ({ input }: PublishBatchCommand) => {
    const entries = input.PublishBatchRequestEntries!;
    calls.push(entries);
    const refused = entries.filter(isRefused);
    for (const entry of entries)
      if (!refused.includes(entry)) taken.push(JSON.parse(entry.Message!) as DomainEvent);
    return { Failed: refused.map(({ Id }) => ({ Id, Code: 'Throttled', SenderFault: false })) };
  };
  return { sns: { send } as unknown as SNS, calls, taken };
}

it('publishes each event once and those of a subject in their order, whatever is refused how often', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          subject: fc.constantFrom('a', 'b', 'c', 'ä'),
          kilobytes: fc.nat(180),
          refusals: fc.nat(1),
        }),
        { maxLength: 30 },
      ),
      async (plan) => {
        const events = plan.map(({ subject, kilobytes }) => eventOf(subject, 'x'.repeat(kilobytes * 1024)));
        const refusals = new Map(events.map(({ id }, i) => [id, plan[i]!.refusals]));
        const { sns, calls, taken } = fakeSns(({ MessageDeduplicationId: id = '' }) => {
          const left = refusals.get(id)!;
          refusals.set(id, left - 1);
          return left > 0;
        });
        await publishEvents(events, { sns, topicArn });
        expect(taken).toHaveLength(events.length);
        for (const subject of ['a', 'b', 'c', 'ä'])
          expect(taken.filter((each) => each.subject === subject)).toEqual(
            events.filter((each) => each.subject === subject),
          );
        for (const entries of calls) {
          expect(entries.length).toBeLessThanOrEqual(10);
          expect(new Set(entries.map(({ MessageGroupId }) => MessageGroupId)).size).toBe(entries.length);
          const bytes = entries.map(({ Message }) => Buffer.byteLength(Message!)).reduce((a, b) => a + b, 0);
          expect(bytes).toBeLessThanOrEqual(256 * 1024);
        }
      },
    ),
    { numRuns: 15 },
  );
});

it('sends several subjects in one call', async () => {
  const { sns, calls } = fakeSns();
  await publishEvents(
    Array.from({ length: 25 }, (_, i) => eventOf(`s${i}`, 1)),
    { sns, topicArn },
  );
  expect(calls.map(({ length }) => length)).toEqual([10, 10, 5]);
});

it('says which event is not taken in the end, and has sent the others', async () => {
  const [bad, behind, good] = [eventOf('a', 1), eventOf('a', 2), eventOf('b', 3)];
  const { sns, taken } = fakeSns(({ MessageDeduplicationId }) => MessageDeduplicationId === bad.id);
  await expect(publishEvents([bad, behind, good], { sns, topicArn, budget: 100 })).rejects.toThrow(
    `SNS does not take the event OrderPlaced "${bad.id}" for ${topicArn}: Throttled: no reason`,
  );
  expect(taken).toEqual([good]);
});

it('says why a call fails', async () => {
  const send = () => Promise.reject(new Error('The security token included in the request is expired'));
  const sns = { send } as unknown as SNS;
  await expect(publishEvents([eventOf('a', 1)], { sns, topicArn, budget: 1 })).rejects.toThrow(
    /token .* is expired$/,
  );
});

it('writes characters that SNS refuses as escapes', async () => {
  const { sns, calls, taken } = fakeSns();
  const event = eventOf('a', '\uffff \ufffe \u0000 \ud800 😀');
  await publishEvents([event], { sns, topicArn });
  expect(calls[0]![0]!.Message).toMatch(/^[\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]+$/u);
  expect(taken).toEqual([event]);
});

it('makes ids that SNS takes of any text, different ones of different texts', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: anyCharacter, maxLength: 300 }),
      fc.string({ maxLength: 300 }),
      (one, other) => {
        expect(fifoId(one)).toMatch(/^[\x21-\x7e]{1,128}$/);
        expect(fifoId(one) === fifoId(other)).toBe(one === other);
      },
    ),
  );
});

it('tells AWS X-Ray the trace of a call whose events have the same', async () => {
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    response.end('<PublishBatchResponse><PublishBatchResult/></PublishBatchResponse>');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const sns = new SNS({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const [one, same, other] = [{ traceparent }, { traceparent }, {}].map((more, i) =>
    eventOf(`s${i}`, 1, more),
  );
  await publishEvents([one!, same!], { sns, topicArn });
  await publishEvents([one!, other!], { sns, topicArn });
  sns.destroy();
  server.close();
  expect(headers.map((each) => each['x-amzn-trace-id'])).toEqual([
    'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    undefined,
  ]);
});
