import type { ExplainedRequest, RequestSummary } from '../../../../gateway/console/api';
import { type AskAll, mergedSource } from '../../../../gateway/console/merged-source';

const summary = (id: string, at: number): RequestSummary => ({
  ...{ id, at, ms: 1, codes: [], calls: { planned: 0, sent: 0, saved: 0 } },
});

const answering = (answers: ReadonlyMap<number, unknown>) =>
  mergedSource((() => Promise.resolve(answers)) as unknown as AskAll, () => Promise.resolve(undefined));

it('lists the requests of all processes, newest first, each with its process', async () => {
  const answers = new Map([
    [1, [summary('c', 3), summary('a', 1)]],
    [2, [summary('d', 4), summary('b', 2)]],
  ]);
  const found = await answering(answers).requests({});
  expect(found.map(({ id, worker }) => `${id}${worker}`)).toEqual(['d2', 'c1', 'b2', 'a1']);
});

it('lists no more than 200', async () => {
  const many = Array.from({ length: 150 }, (_, i) => summary(`${i}`, i));
  const found = await answering(
    new Map([
      [1, many],
      [2, many],
    ]),
  ).requests({});
  expect(found).toHaveLength(200);
});

it('finds a request in the process that has it', async () => {
  const found = { ...summary('a', 1), timeline: [] } as unknown as ExplainedRequest;
  const source = answering(new Map([[2, found]]));
  expect(await source.request('a')).toMatchObject({ id: 'a', worker: 2 });
  expect(await answering(new Map()).request('a')).toBeUndefined();
});

it('says that no process answers', async () => {
  const source = answering(new Map());
  await expect(source.live()).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
  await expect(source.graph()).rejects.toMatchObject({ extensions: { code: 'OVERLOADED' } });
  await expect(source.schema()).rejects.toMatchObject({ extensions: { code: 'NO_SUPERGRAPH' } });
});
