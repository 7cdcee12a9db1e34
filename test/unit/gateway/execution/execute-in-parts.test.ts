/** The parts of an answer with `@defer`. Over 300 lines: each order of fetches, and each way to fail. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionPart, ExecutionParts } from '../../../../gateway/execution';
import { pool } from '../../../../gateway/execution/run/pool';
import { partBody } from '../../../../gateway/request/answers/part-body';
import type { IncrementalFormat } from '../../../../gateway/request/sink';
import { mergeParts, type SentPart } from '../../../support/merge-parts';
import { type Answer, type Asking, Graph } from './graph';
import { processorTime } from '../../../support/times';

const people = [
  { id: '1', name: 'Ada', email: 'ada@x' },
  { id: '2', name: 'Bob', email: 'bob@x' },
];

/** `accounts` answers at once, `reviews` and `ranks` answer for entities. */
const graph = new Graph({
  accounts: {
    sdl: `
      type Query { me: User people: [User!]! nobody: [User!]! }
      type Mutation { rename(name: String): User }
      type User @key(fields: "id") { id: ID! name: String email: String friend: User }
    `,
    resolvers: {
      Query: { me: () => people[0], people: () => people, nobody: () => [] },
      Mutation: { rename: (_: unknown, { name }: { name: string }) => ({ ...people[0], name }) },
      User: {
        __resolveReference: ({ id }: { id: string }) => people.find((one) => one.id === id),
        friend: ({ id }: { id: string }) => people.find((one) => one.id !== id),
      },
    },
  },
  reviews: {
    sdl: `
      type User @key(fields: "id") { id: ID! reviews: [Review] best: Review! }
      type Review @key(fields: "id") { id: ID! text: String author: User }
    `,
    resolvers: {
      User: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        reviews: ({ id }: { id: string }) => [{ id: `r${id}`, text: `by ${id}`, author: { id } }],
        best: ({ id }: { id: string }) => (id === '2' ? null : { id: `r${id}`, text: `by ${id}` }),
      },
    },
  },
  ranks: {
    sdl: 'type User @key(fields: "id") { id: ID! rank: Int points: Int! }',
    resolvers: {
      User: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        rank: ({ id }: { id: string }) => Number(id),
        points: ({ id }: { id: string }) => Number(id) * 10,
      },
    },
  },
});

const bodyOf = (part: ExecutionPart, format: IncrementalFormat): SentPart => {
  const request = { noteError: () => undefined };
  return JSON.parse(partBody(part, { format, request, formatError: (formatted) => formatted }).toString());
};

async function parts(source: string, asking: Asking & { readonly format?: IncrementalFormat } = {}) {
  const { format = 'v0.2' } = asking;
  const { answer, sent } = await graph.runInParts(graph.compile(source, asking), {
    ...asking,
    repeatsFields: format === '20220824',
  });
  if (!('next' in answer)) return { told: [JSON.parse(answer.body.toString()) as SentPart], sent };
  const told: SentPart[] = [];
  for (let part = await answer.next(); part !== undefined; part = await answer.next())
    told.push(bodyOf(part, format));
  return { told, sent };
}

/** Holds the answers of a subgraph until they are let go. */
function holding(...subgraphs: readonly string[]): { readonly answer: Answer; readonly letGo: () => void } {
  let letGo!: () => void;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  return {
    answer: async ({ subgraph }) => (subgraphs.includes(subgraph) ? held.then(() => undefined) : undefined),
    letGo,
  };
}

async function begun(source: string, asking: Asking): Promise<ExecutionParts> {
  const { answer } = await graph.runInParts(graph.compile(source, asking), asking);
  if (!('next' in answer)) throw new Error('Nothing is deferred');
  return answer;
}

describe('a fragment with @defer', () => {
  it('is sent at once where the fetches of the rest bring it', async () => {
    const { told } = await parts('{ me { id ... @defer { name email } } }');
    expect(told).toEqual([{ data: { me: { id: '1', name: 'Ada', email: 'ada@x' } } }]);
  });

  it('is sent when its own fetches have ended, while the rest is sent before', async () => {
    const { answer, letGo } = holding('reviews');
    const source = await begun('{ me { name ... @defer(label: "R") { reviews { text } } } }', { answer });
    expect(bodyOf((await source.next())!, 'v0.2')).toEqual({
      data: { me: { name: 'Ada' } },
      pending: [{ id: '0', path: ['me'], label: 'R' }],
      hasNext: true,
    });
    letGo();
    expect(bodyOf((await source.next())!, 'v0.2')).toEqual({
      incremental: [{ id: '0', data: { reviews: [{ text: 'by 1' }] } }],
      completed: [{ id: '0' }],
      hasNext: false,
    });
    expect(await source.next()).toBeUndefined();
  });

  it('is whole: what was there before comes with the rest of it', async () => {
    const { told } = await parts('{ me { id ... @defer { email reviews { text } } } }');
    expect(told[0]?.data).toEqual({ me: { id: '1' } });
    expect(told[1]?.incremental?.[0]?.data).toEqual({ email: 'ada@x', reviews: [{ text: 'by 1' }] });
  });

  it('costs the calls that it costs without the directive', async () => {
    const source = '{ people { name ... @defer { reviews { text author { name } } rank } } }';
    const deferred = await parts(source);
    const { sent } = await graph.ask(source);
    const texts = (requests: typeof sent) => requests.map((one) => JSON.stringify(one)).sort();
    expect(deferred.told.length).toBeGreaterThan(1);
    expect(texts(deferred.sent)).toEqual(texts(sent));
  });

  it.each([
    ['if: false', {}],
    ['if: $late', { late: false }],
  ])('is sent at once with %s', async (argument, variables) => {
    const source = `query ($late: Boolean!) { me { name ... @include(if: true) @defer(${argument}) { rank } } } `;
    const { told } = await parts(source, { variables: { late: true, ...variables } });
    expect(told).toEqual([{ data: { me: { name: 'Ada', rank: 1 } } }]);
  });

  it.each([
    ['query ($late: Boolean!) { me { name ... @defer(if: $late) { rank } } }', { late: true }],
    ['query ($late: Boolean! = true) { me { name ... @defer(if: $late) { rank } } }', {}],
    ['query ($late: Boolean) { me { name ... @defer(if: $late) { rank } } }', {}],
    ['{ me { name ...F @defer } } fragment F on User { rank }', {}],
  ])('is deferred in %s with %o', async (source, variables) => {
    const { told } = await parts(source, { variables });
    expect(told.map(({ hasNext }) => hasNext)).toEqual([true, false]);
  });

  it('is known by its place in each item of a list', async () => {
    const { told } = await parts('{ people { name ... @defer { rank } } }');
    expect(told[0]?.pending).toEqual([
      { id: '0', path: ['people', 0] },
      { id: '1', path: ['people', 1] },
    ]);
    expect(told[1]?.incremental).toEqual([
      { id: '0', data: { rank: 1 } },
      { id: '1', data: { rank: 2 } },
    ]);
  });

  it('is no part where there is no object for it', async () => {
    const { told } = await parts('{ nobody { name ... @defer { rank } } }');
    expect(told).toEqual([{ data: { nobody: [] } }]);
  });

  it('waits for the fragment around it', async () => {
    const { answer, letGo } = holding('reviews');
    const source = await begun(
      '{ me { name ... @defer(label: "R") { reviews { id } ... @defer(label: "K") { rank } } } }',
      { answer },
    );
    expect(bodyOf((await source.next())!, 'v0.2').pending).toEqual([{ id: '0', path: ['me'], label: 'R' }]);
    letGo();
    const second = bodyOf((await source.next())!, 'v0.2');
    expect(second.pending).toEqual([{ id: '1', path: ['me'], label: 'K' }]);
    expect(second.incremental).toEqual([
      { id: '0', data: { reviews: [{ id: 'r1' }] } },
      { id: '1', data: { rank: 1 } },
    ]);
    expect(second.hasNext).toBe(false);
  });

  it('is not deferred as a root field of a mutation, but below', async () => {
    const { told } = await parts(
      'mutation { ... @defer { rename(name: "Eve") { name ... @defer { rank } } } }',
    );
    expect(told[0]?.data).toEqual({ rename: { name: 'Eve' } });
    expect(told[1]?.incremental?.[0]?.data).toEqual({ rank: 1 });
  });
});

it('fragments that multiply one another are deferred up to a bound, and cost no more than that', async () => {
  const depth = 11;
  const fragments = Array.from({ length: depth }, (_, i) => {
    const [one, other] = [`a${i}`, `b${i}`];
    return `fragment F${i} on User { name ...F${i + 1} @defer(label: "${one}") ...F${i + 1} @defer(label: "${other}") }`;
  });
  const source = `{ me { ...F0 } } ${fragments.join(' ')} fragment F${depth} on User { rank }`;
  for (const format of ['v0.2', '20220824'] as const) {
    let told: Awaited<ReturnType<typeof parts>>['told'] = [];
    const took = await processorTime(async () => ({ told } = await parts(source, { format })));
    expect(took).toBeLessThan(2000);
    expect(mergeParts(told, format).data).toEqual({ me: { name: 'Ada', rank: 1 } });
  }
});

describe('fragments that select the same fields', () => {
  const source = `{
    me { name }
    ... @defer(label: "A") { me { rank best { text } } }
    ... @defer(label: "B") { me { name best { text } reviews { text } } }
  }`;

  it('have them once, with the first of them', async () => {
    const { answer, letGo } = holding('ranks');
    const held = await begun(source, { answer });
    const [first, second] = [await held.next(), await held.next()].map((part) => bodyOf(part!, 'v0.2'));
    letGo();
    const third = bodyOf((await held.next())!, 'v0.2');
    expect(first!.pending).toEqual([
      { id: '0', path: [], label: 'A' },
      { id: '1', path: [], label: 'B' },
    ]);
    expect(second!.incremental).toEqual([
      { id: '1', subPath: ['me'], data: { best: { text: 'by 1' } } },
      { id: '1', subPath: ['me'], data: { reviews: [{ text: 'by 1' }] } },
    ]);
    expect(second!.completed).toEqual([{ id: '1' }]);
    expect(third).toEqual({
      incremental: [{ id: '0', subPath: ['me'], data: { rank: 1 } }],
      completed: [{ id: '0' }],
      hasNext: false,
    });
  });

  it('have them each in the older format', async () => {
    const { told } = await parts(source, { format: '20220824' });
    expect(told.flatMap(({ incremental = [] }) => incremental)).toEqual(
      expect.arrayContaining([
        { path: [], label: 'A', data: { me: { rank: 1, best: { text: 'by 1' } } } },
        {
          ...{ path: [], label: 'B' },
          data: { me: { name: 'Ada', best: { text: 'by 1' }, reviews: [{ text: 'by 1' }] } },
        },
      ]),
    );
  });
});

describe('what fails in a deferred fragment', () => {
  const failing: Answer = ({ subgraph }) => {
    if (subgraph === 'ranks') throw new Error('down');
    return undefined;
  };

  it('is told with its data', async () => {
    const { told } = await parts('{ me { name ... @defer { rank } } }', { answer: failing });
    expect(told[0]).not.toHaveProperty('errors');
    const [{ data, errors }] = told[1]!.incremental as [{ data: unknown; errors: readonly unknown[] }];
    expect(data).toEqual({ rank: null });
    expect(errors).toEqual([
      expect.objectContaining({
        path: ['me', 'rank'],
        extensions: expect.objectContaining({ service: 'ranks' }),
      }),
    ]);
  });

  it('takes away the fragment alone, where a null would propagate to its object', async () => {
    const { told } = await parts('{ people { name ... @defer { best { text } } } }');
    expect(told[0]?.data).toEqual({ people: [{ name: 'Ada' }, { name: 'Bob' }] });
    expect(told[1]?.incremental).toEqual([{ id: '0', data: { best: { text: 'by 1' } } }]);
    expect(told[1]?.completed).toEqual([
      { id: '0' },
      { id: '1', errors: [expect.objectContaining({ path: ['people', 1, 'best'] })] },
    ]);
  });

  it('is null and told by the path in the older format', async () => {
    const { told } = await parts('{ people { name ... @defer { best { text } } } }', { format: '20220824' });
    expect(told[1]?.incremental).toEqual([
      { path: ['people', 0], data: { best: { text: 'by 1' } } },
      { path: ['people', 1], data: null, errors: [expect.objectContaining({ path: ['people', 1, 'best'] })] },
    ]);
  });

  it('takes away the fragments within it', async () => {
    const { told } = await parts('{ me { name ... @defer { points ... @defer { reviews { text } } } } }', {
      answer: failing,
    });
    const last = told.at(-1)!;
    expect(last.completed).toEqual([{ id: '0', errors: [expect.anything()] }]);
    expect(last.hasNext).toBe(false);
    expect(told.flatMap(({ pending = [] }) => pending)).toHaveLength(1);
  });

  it('is told once, with the part that has the field', async () => {
    const answer: Answer = async ({ subgraph }, answered) => {
      if (subgraph !== 'accounts') return undefined;
      const { data } = (await answered()) as { data: { me: object } };
      return {
        data: { me: { ...data.me, email: null } },
        errors: [{ message: 'No email', path: ['me', 'email'] }],
      };
    };
    const { told } = await parts('{ me { name ... @defer { email rank } } }', { answer });
    expect(told[0]).not.toHaveProperty('errors');
    expect(told[1]?.incremental?.[0]?.errors).toEqual([expect.objectContaining({ message: 'No email' })]);
  });
});

describe('calls for deferred fragments', () => {
  it('share no request with those that the first part waits for', async () => {
    const source = '{ me { best { text } friend { name ... @defer { best { id } } } } }';
    const { told, sent } = await parts(source);
    expect(told).toHaveLength(2);
    expect(sent.map(({ subgraph }) => subgraph)).toEqual(['accounts', 'reviews', 'reviews']);
    expect((await graph.ask(source)).sent).toHaveLength(2);
  });

  it('start when what they need is there, and not when the first part is sent', async () => {
    const { answer, letGo } = holding('ranks');
    const asked: string[] = [];
    const begin = begun('{ me { name rank ... @defer { reviews { text } } } }', {
      answer: (request, answered) => {
        asked.push(request.subgraph);
        return answer(request, answered);
      },
    });
    while (!asked.includes('ranks')) await nextTurn();
    await nextTurn();
    expect(asked).toEqual(['accounts', 'ranks', 'reviews']);
    letGo();
    await begin;
  });
});

it('gives its workspace back when all fetches have ended, also when its reader has left', async () => {
  const giveBack = jest.spyOn(pool, 'giveBack');
  const { answer, letGo } = holding('ranks');
  const source = await begun('{ me { name ... @defer { rank } } }', { answer });
  await source.next();
  const next = source.next();
  source.close();
  expect(await next).toBeUndefined();
  await nextTurn();
  expect(giveBack).not.toHaveBeenCalled();
  letGo();
  while (giveBack.mock.calls.length === 0) await nextTurn();
  expect(giveBack).toHaveBeenCalledTimes(1);
  giveBack.mockRestore();
});

it('tells when all fetches have ended, though nobody has read the parts', async () => {
  const { answer, letGo } = holding('ranks');
  const source = await begun('{ me { name ... @defer { rank } } }', { answer });
  const fetched = source.fetched.then(() => 'fetched');
  expect(await Promise.race([fetched, nextTurn()])).toBeUndefined();
  letGo();
  expect(await fetched).toBe('fetched');
  source.close();
});

it('ends all fragments that are waited for, where the rest cannot be sent', async () => {
  const { GraphQLError } = await import('graphql');
  const { answer, letGo } = holding('ranks');
  const source = await begun('{ people { name ... @defer { rank } } }', { answer });
  await source.next();
  const last = bodyOf(source.fail(new GraphQLError('Too large')), 'v0.2');
  letGo();
  expect(last).toEqual({
    completed: [
      { id: '0', errors: [expect.objectContaining({ message: 'Too large' })] },
      { id: '1', errors: [expect.objectContaining({ message: 'Too large' })] },
    ],
    hasNext: false,
  });
  expect(await source.next()).toBeUndefined();
});
