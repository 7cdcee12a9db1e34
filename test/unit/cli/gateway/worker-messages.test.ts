import { EventEmitter } from 'node:events';
import type { Worker } from 'node:cluster';
import { answerTo, ask, OtherGone } from '../../../../cli/gateway/worker-messages';

class End extends EventEmitter {
  other!: End;

  isConnected(): boolean {
    return true;
  }

  send(message: unknown): boolean {
    setImmediate(() => this.other.emit('message', message));
    return true;
  }
}

/** Both ends of a channel, as the process at each sees it. */
function channel(): [Worker, Worker] {
  const [one, two] = [new End(), new End()];
  one.other = two;
  two.other = one;
  return [one, two] as unknown as [Worker, Worker];
}

it('sends many requests at once over one listener, and gives each its own answer', async () => {
  const [here, there] = channel();
  answerTo(there, {
    metrics: async () => 'text',
    drop: async () => Promise.reject(new Error('It is full.')),
  });
  const questions = Array.from({ length: 50 }, (_, i) =>
    i % 2 === 0
      ? ask(here, 'metrics', { format: 'prometheus' }, 1000)
      : ask(here, 'drop', { tags: [] }, 1000),
  );
  expect(here.listenerCount('message')).toBe(1);
  const answers = await Promise.allSettled(questions);
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(25);
  expect(answers[1]).toMatchObject({ reason: new Error('It is full.') });
});

it('rejects a request to a process that ends, and one that is not answered in time', async () => {
  const [here] = channel();
  const late = ask(here, 'metrics', { format: 'prometheus' }, 1);
  await expect(late).rejects.toThrow('There was no answer in 1 ms.');
  const lost = ask(here, 'metrics', { format: 'prometheus' }, 60_000);
  here.emit('disconnect');
  await expect(lost).rejects.toThrow(OtherGone);
});
