import { buildSchema, getOperationAST, parse } from 'graphql';
import { anonymous } from '../../../../gateway/auth/identity';
import { createClientLimits } from '../../../../gateway/limits/client-limits';
import { compileOperationCost } from '../../../../gateway/limits/cost/operation-cost';
import { createCostReport } from '../../../../gateway/limits/cost/report';
import { refuseOperation } from '../../../../gateway/limits/operation-limits';
import { limitCalls } from '../../../../gateway/subgraph-calls/interceptors/limit-calls';
import { parseOptions } from '../../../../gateway/options';
import { metricTable } from '../../../../gateway/telemetry/metrics/metric-table';
import { Features } from '../../../../schema/supergraph/features';
import { readCostDirectives } from '../../../../schema/supergraph/cost-directives';
import type { SubgraphRequest } from '../../../../gateway/subgraph-calls/contract/transport';

const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@listSize"])
  type Query {
    users(first: Int): [User]
    rows(size: Int): [User] @listSize(slicingArguments: ["size"])
    any(value: Any): Int
  }
  type User { id: ID friends: [User] }
  scalar Any
  scalar Import
  directive @link(url: String, import: [Import]) on SCHEMA
  directive @listSize(slicingArguments: [String!]) on FIELD_DEFINITION
`;
const schema = buildSchema(sdl);
const directives = readCostDirectives(parse(sdl), new Features(parse(sdl)))!;

function refusal(
  document: string,
  variables: Record<string, unknown> = {},
  limits: Record<string, number> = {},
): object | undefined {
  const cost = compileOperationCost(parse(document), getOperationAST(parse(document))!, {
    ...{ schema, assumedListSize: 10 },
    directives: {
      ...directives,
      listSizes: new Map(
        [...directives.listSizes].map(([name, size]) => [name, { ...size, requireOneSlicingArgument: true }]),
      ),
    },
  });
  const clients = createClientLimits({ limits: parseOptions({ limits }).limits, introspection: true });
  const error = refuseOperation(document, cost, clients)(variables, anonymous);
  return error && { message: error.message, code: error.extensions['code'] };
}

describe('an operation', () => {
  it.each<[string, string, Record<string, unknown>, Record<string, number>]>([
    ['costs as much as it may', '{ users(first: 50) { id } }', {}, { cost: 50 }],
    ['asks for as many items as it may', '{ users(first: 50) { id } }', {}, { listSize: 50 }],
    ['has the argument that a list needs', '{ rows(size: 1) { id } }', {}, {}],
    [
      'has as many values as it may',
      'query ($v: Any) { any(value: $v) }',
      { v: [1, [2], { a: 3 }] },
      { variables: 6 },
    ],
    [
      'has one value, however long',
      'query ($v: Any) { any(value: $v) }',
      { v: 'text of many letters' },
      { variables: 1, variablesDepth: 1 },
    ],
    [
      'has variables as deep as they may be',
      'query ($v: Any) { any(value: $v) }',
      { v: [{ a: null }] },
      { variablesDepth: 2 },
    ],
  ])('is run that %s', (_, document, variables, limits) => {
    expect(refusal(document, variables, limits)).toBeUndefined();
  });

  it.each<[string, string, Record<string, unknown>, Record<string, number>, string, string]>([
    [
      'costs more',
      '{ users(first: 51) { id } }',
      {},
      { cost: 50 },
      'MAX_COST_LIMIT',
      'The operation costs 51; at most 50 is allowed. Ask for fewer or shorter lists.',
    ],
    [
      'asks for more items',
      'query ($n: Int) { users(first: $n) { id } }',
      { n: 51 },
      { listSize: 50 },
      'MAX_LIST_SIZE_LIMIT',
      'Query.users is asked for 51 items; at most 50 are allowed.',
    ],
    [
      'lacks the argument that a list needs',
      '{ rows { id } }',
      {},
      {},
      'GRAPHQL_VALIDATION_FAILED',
      'Query.rows needs exactly one of the arguments that give the length of its list.',
    ],
    [
      'has more values',
      'query ($v: Any) { any(value: $v) }',
      { v: [1, [2], { a: 3 }] },
      { variables: 5 },
      'BAD_USER_INPUT',
      'The variables hold more than 5 values.',
    ],
    [
      'has deeper variables',
      'query ($v: Any) { any(value: $v) }',
      { v: [{ a: [] }] },
      { variablesDepth: 2 },
      'BAD_USER_INPUT',
      'The variables are nested deeper than 2 levels.',
    ],
    ['has more fields', '{ users { id friends { id } } }', {}, { selections: 3 }, 'MAX_SELECTIONS_LIMIT', ''],
  ])('is refused that %s', (_, document, variables, limits, code, message) => {
    expect(refusal(document, variables, limits)).toEqual({ code, message: message || expect.any(String) });
  });

  it('is refused for its document before its variables, and for these before its cost', () => {
    const document = 'query ($n: Int, $v: Any) { users(first: $n) { id } any(value: $v) }';
    const variables = { n: 100, v: [1, 2, 3] };
    const limits = { selections: 1, variables: 1, cost: 1 };
    const codes = [limits, { ...limits, selections: 9 }, { cost: 1 }].map(
      (each) => (refusal(document, variables, each) as { code: string }).code,
    );
    expect(codes).toEqual(['MAX_SELECTIONS_LIMIT', 'BAD_USER_INPUT', 'MAX_COST_LIMIT']);
  });
});

describe('the cost of one operation in a second is reported', () => {
  const recorded: unknown[] = [];
  const meter = {
    histogram: (name: 'weir.operation.cost') => {
      expect(metricTable[name].boundaries.at(-1)).toBeGreaterThanOrEqual(parseOptions({}).limits.cost);
      return {
        of: ({ kind }: { kind: string }) => ({ record: (value: unknown) => recorded.push([kind, value]) }),
      };
    },
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  let now: jest.SpyInstance;
  beforeEach(() => {
    now = jest.spyOn(performance, 'now');
    recorded.length = 0;
  });
  afterEach(() => now.mockRestore());

  it('as it was estimated, and as it was', () => {
    const report = createCostReport(meter as never);
    const cost = { estimate: () => ({ cost: 7 }), actual: (data: unknown) => (data as number[]).length };
    for (const [time, data] of [
      [5_000, [1]],
      [5_999, [1, 2]],
      [6_000, [1, 2, 3]],
      [6_001, [1, 2]],
    ] as const) {
      now.mockReturnValue(time);
      report.whole(cost as never, {}, json(data));
    }
    expect(recorded).toEqual([
      ['estimated', 7],
      ['actual', 1],
      ['estimated', 7],
      ['actual', 3],
    ]);
  });

  it('when the last part is there, of all parts together', () => {
    now.mockReturnValue(5_000);
    const report = createCostReport(meter as never);
    const cost = { estimate: () => ({ cost: 7 }), actual: (data: unknown) => data };
    const add = report.inParts(cost as never, {})!;
    expect(report.inParts(cost as never, {})).toBeUndefined();
    const part = (path: (string | number)[], subPath: string[], data: unknown, hasNext = true) =>
      add({
        data: Buffer.alloc(0),
        part: { incremental: [{ fragment: { path }, subPath, data: json(data) }], hasNext },
      });
    add({ data: json({ list: [{ a: 1, of: { b: 1 } }, null] }), part: { incremental: [], hasNext: true } });
    part(['list', 0], ['of'], { c: 2, list: [{ d: 3 }] });
    // Another fragment repeats fields, and one is at an object that is not there.
    part([], [], { list: [{ of: { b: 1, list: [{ e: 4 }] }, g: null }, null] });
    part(['list', 1], ['__proto__'], { polluted: true });
    expect(recorded).toEqual([]);
    part([], [], JSON.parse('{"__proto__":{"f":5}}'), false);
    const all =
      '{"list":[{"a":1,"of":{"b":1,"c":2,"list":[{"d":3,"e":4}]},"g":null},null],"__proto__":{"f":5}}';
    expect(recorded[0]).toEqual(['estimated', 7]);
    expect(JSON.stringify(recorded[1])).toBe(`["actual",${all}]`);
    expect({}).not.toHaveProperty('polluted');
  });
});

it('sends as many calls of one operation as it may make, and none beyond', async () => {
  const sent: unknown[] = [];
  const send = limitCalls((request) => Promise.resolve(sent.push(request)) as never, 2);
  const request = { operation: { subgraph: 'accounts' } } as SubgraphRequest;
  await Promise.all([send(request), send(request)]);
  await expect(send(request)).rejects.toMatchObject({ subgraph: 'accounts', failure: 'over-limit' });
  expect(sent).toHaveLength(2);
});
