import { EventQueue } from '../../../../../gateway/subgraph-calls/subscriptions/event-queue';

it('bounds the bytes that wait after a gap was read, too', async () => {
  const nothing = (): void => undefined;
  const bounds = { bytes: 100 };
  const queue = new EventQueue({ subgraph: 'counts', bounds, onClose: nothing, onDropped: nothing });
  const push = (letter: string): void =>
    queue.push({ status: 200, headers: {}, body: Buffer.from(letter.repeat(60)) });
  push('a');
  push('b');
  expect(await queue.next()).toMatchObject({ isGap: true });
  push('c');
  expect(await queue.next()).toMatchObject({ isGap: true });
  expect((await queue.next())?.body.toString()).toBe('c'.repeat(60));
});
