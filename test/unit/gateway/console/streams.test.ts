import { mergeStreams, type RunningSubscriptions, streamParts } from '../../../../gateway/console/streams';
import type { StreamField } from '../../../../gateway/console/caches-api';

/** An execution whose clients take events by these protocols. */
const execution = (field: string, upstream: object, ...protocols: (string | undefined)[]) => ({
  prepared: { field, subgraph: 'orders', source: 'websocket' },
  upstream,
  readers: protocols.map((events) => ({ request: { sink: { events } } })),
});

const read = (size: number, ...executions: ReturnType<typeof execution>[]) =>
  streamParts({ size, executions } as unknown as RunningSubscriptions);

const row = (field: string, more: Partial<StreamField>): StreamField => ({
  ...{ field, subgraph: 'orders', source: 'websocket' },
  ...{ clients: 0, executions: 0, sources: 0, largest: 0, protocols: {} },
  ...more,
});

it('counts clients by field and protocol, and those of the source that the most share', () => {
  const [one, other] = [{}, {}];
  const parts = read(
    5,
    execution('changed', one, 'sse', 'sse'),
    execution('changed', one, 'graphql-transport-ws'),
    execution('changed', other, 'appsync'),
    execution('placed', {}, undefined),
  );
  expect(parts).toEqual({
    ...{ clients: 5, others: 0 },
    fields: [
      row('changed', {
        ...{ clients: 4, executions: 3, sources: 2, largest: 3 },
        protocols: { sse: 2, 'graphql-transport-ws': 1, appsync: 1 },
      }),
      row('placed', { clients: 1, executions: 1, sources: 1, largest: 1, protocols: { other: 1 } }),
    ],
  });
});

it('adds up what several processes have', () => {
  const one = read(2, execution('changed', {}, 'sse', 'sse'));
  const other = read(2, execution('changed', {}, 'sse'), execution('placed', {}, 'multipart'));
  expect(mergeStreams([one, other])).toEqual({
    ...{ clients: 4, others: 0 },
    fields: [
      row('changed', { clients: 3, executions: 2, sources: 2, largest: 2, protocols: { sse: 3 } }),
      row('placed', { clients: 1, executions: 1, sources: 1, largest: 1, protocols: { multipart: 1 } }),
    ],
  });
});

it('lists 100 fields, and how many more there are', () => {
  const many = Array.from({ length: 150 }, (_, i) => execution(`field${i}`, {}, 'sse'));
  expect(read(150, ...many)).toMatchObject({ fields: { length: 100 }, others: 50 });
});
