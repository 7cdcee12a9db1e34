import fc from 'fast-check';
import { type AnswerRest, RestApi } from '../../../../../support/rest-api';

const sdl = `
  scalar JSON scalar Long
  type Query { thing: Thing @http(method: "GET", path: "/thing") }
  type Thing {
    id: ID name: String @json(name: "the name") count: Int long: Long ratio: Float isOn: Boolean color: Color any: JSON
    colors: [Color] matrix: [[Int]] inner: Thing inners: [Thing] part: Part
  }
  enum Color { RED DARK_BLUE @json(name: "dark-blue") }
  union Part @variants(of: [{ type: "Wheel", required: ["spokes"] }, { type: "Other", required: [] }]) = Wheel | Other
  type Wheel { spokes: Int }
  type Other { name: String }
`;
const selection = (depth: number): string =>
  `__typename id name count long ratio isOn color any colors matrix part { __typename ... on Wheel { spokes } ... on Other { name } }
   ${depth === 0 ? '' : `inner { ${selection(depth - 1)} } inners { ${selection(depth - 1)} }`}`;

let api: RestApi;
let answer: AnswerRest;
beforeAll(async () => {
  api = await RestApi.open(sdl, (...args) => answer(...args));
});
afterAll(() => api.close());

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
const leaf: fc.Arbitrary<Json> = fc.oneof(
  ...[fc.constant(null), fc.boolean(), fc.integer(), fc.maxSafeInteger(), fc.string({ unit: 'binary' })],
  ...[fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom('RED', 'dark-blue', 'DARK_BLUE')],
);
const fields = [
  'id',
  'the name',
  'count',
  'long',
  'ratio',
  'isOn',
  'color',
  'any',
  'colors',
  'matrix',
  'part',
  'inner',
  'inners',
  'spokes',
  '__proto__',
];
const { thing } = fc.letrec<{ thing: Json; value: Json }>((tie) => ({
  thing: fc
    .array(fc.tuple(fc.constantFrom(...fields), tie('value')), { maxLength: 12 })
    .map((pairs) => Object.fromEntries(pairs)),
  value: fc.oneof({ maxDepth: 5 }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('thing')),
}));

const wrong = Symbol('wrong');
/** Of any length, as the digits are kept. */
const isInteger = (json: Json): boolean =>
  Number.isSafeInteger(json) || (typeof json === 'number' && /^-?\d+$/.test(JSON.stringify(json)));
const scalars: Record<string, (json: Json) => unknown> = {
  ID: (json) => (typeof json === 'string' ? json : isInteger(json) ? JSON.stringify(json) : wrong),
  String: (json) => (typeof json === 'string' ? json : wrong),
  Int: (json) => (Number.isInteger(json) && (json as number) === ((json as number) | 0) ? json : wrong),
  Long: (json) => (isInteger(json) ? json : wrong),
  Float: (json) => (typeof json === 'number' ? json : wrong),
  Boolean: (json) => (typeof json === 'boolean' ? json : wrong),
  Color: (json) => (json === 'RED' ? 'RED' : json === 'dark-blue' ? 'DARK_BLUE' : wrong),
  JSON: (json) => json,
};
const types: Record<string, string> = {
  ...{
    id: 'ID',
    name: 'String',
    count: 'Int',
    long: 'Long',
    ratio: 'Float',
    isOn: 'Boolean',
    color: 'Color',
    any: 'JSON',
  },
  ...{ colors: '[Color]', matrix: '[[Int]]', part: 'Part', inner: 'Thing', inners: '[Thing]' },
};

/** As the specification of GraphQL completes values, without any thought of speed. */
function naive(json: Json, type: string, depth: number, path: unknown[], errors: unknown[]): unknown {
  if (json === null) return null;
  if (type.startsWith('[') && Array.isArray(json))
    return json.map((each, i) => naive(each, type.slice(1, -1), depth, [...path, i], errors));
  const isObject = typeof json === 'object' && !Array.isArray(json);
  const own = (name: string): Json =>
    isObject && Object.hasOwn(json, name) ? (json as Record<string, Json>)[name]! : null;
  const scalar = scalars[type];
  if (scalar !== undefined && scalar(json) !== wrong) return scalar(json);
  if (type === 'Thing' && isObject)
    return Object.fromEntries([
      ['__typename', 'Thing'],
      ...Object.entries(types)
        .filter(([name]) => depth > 0 || !name.startsWith('inner'))
        .map(
          ([name, of]) =>
            [
              name,
              naive(
                own(name === 'name' ? 'the name' : name),
                of,
                name.startsWith('inner') ? depth - 1 : depth,
                [...path, name],
                errors,
              ),
            ] as const,
        ),
    ]);
  if (type === 'Part' && isObject)
    return Object.hasOwn(json, 'spokes')
      ? { __typename: 'Wheel', spokes: naive(own('spokes'), 'Int', 0, [...path, 'spokes'], errors) }
      : { __typename: 'Other', name: naive(own('name'), 'String', 0, [...path, 'name'], errors) };
  errors.push(path);
  return null;
}

describe('the answer of a source', () => {
  it('is what a naive reading of its JSON gives, with an error at each value that does not fit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(thing, leaf), async (json) => {
        answer = () => ({ body: JSON.stringify(json) });
        const { data, errors = [] } = await api.run(`{ thing { ${selection(2)} } }`);
        const paths: unknown[] = [];
        const expected = naive(JSON.parse(JSON.stringify(json)) as Json, 'Thing', 2, ['thing'], paths);
        expect(data).toEqual({ thing: expected });
        expect(errors.map(({ path }) => path)).toEqual(paths);
      }),
      { numRuns: Number(process.env['WEIR_ROUNDS'] ?? 500) },
    );
  });
});
