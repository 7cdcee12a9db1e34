/** schema/composition/openapi/ reads documents of Stripe and GitHub in which something is wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildASTSchema, parse, validateSchema } from 'graphql';
import { amountOf } from '../../../../support/amounts';
import { importOf } from '../../../../support/openapi/import-of';
import { knownDocuments } from '../../../../support/openapi/known-documents';
import { openApiWords } from '../../../../support/openapi-words';
import { RandomSource } from '../../../../support/random-source';

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const values: readonly unknown[] = [
  ...[
    null,
    0,
    -1,
    1e300,
    true,
    false,
    '',
    'x',
    '__proto__',
    'constructor',
    '\ud800',
    [],
    {},
    [null],
    ['a', 'b'],
  ],
  ...[
    'object',
    'string',
    'array',
    'integer',
    'null',
    ['object', 'null'],
    'path',
    'query',
    'header',
    'deepObject',
  ],
  ...[reference('address'), reference('simple-user'), reference('none'), { $ref: '#' }, { $ref: 'a.json' }],
  { allOf: [reference('customer'), reference('public-user')] },
  { type: 'string', enum: ['a', 'A', '-a', '+a', '', 'true', null] },
  { oneOf: ['a', 'b'].map((name) => ({ type: 'object', properties: { [name]: {} }, required: [name] })) },
  {
    properties: {
      constructor: { type: 'string' },
      '1': {},
      ä: {},
      a: { readOnly: true },
      b: { writeOnly: true },
    },
  },
  { discriminator: { propertyName: 'x', mapping: { a: 'address' } }, oneOf: [reference('address')] },
  { anyOf: [{ type: 'null' }] },
];
const keys = [
  ...[
    'type',
    'properties',
    'items',
    'enum',
    'const',
    'oneOf',
    'anyOf',
    'allOf',
    '$ref',
    'required',
    'nullable',
  ],
  ...['additionalProperties', 'discriminator', 'format', 'readOnly', 'writeOnly', 'default', 'description'],
  ...[
    'in',
    'name',
    'style',
    'explode',
    'schema',
    'content',
    'responses',
    'parameters',
    'requestBody',
    'encoding',
  ],
  ...['200', 'deprecated', '__typename', 'Query', 'application/json'],
];

function mutated(text: string, random: RandomSource): string {
  const document = JSON.parse(text) as Record<string, unknown>;
  if (random.chance(0.5)) document['openapi'] = '3.1.0';
  const all: Record<string, unknown>[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    all.push(value as Record<string, unknown>);
    Object.values(value).forEach(collect);
  };
  collect(document);
  for (let count = random.between(1, 6); count > 0; count -= 1) {
    const at = random.pick(all);
    const key = random.pick([...Object.keys(at), ...keys]);
    if (random.chance(0.1)) Reflect.deleteProperty(at, key);
    // A copy: what holds itself is no JSON.
    else at[key] = random.chance(0.2) ? structuredClone(random.pick(all)) : random.pick(values);
  }
  return JSON.stringify(document);
}

it.each(['stripe', 'github'] as const)('are read to a valid schema, or refused at their line: %s', (name) => {
  const text = readFileSync(join(__dirname, `../../../../support/openapi/${name}.json`), 'utf8');
  const overlay = parse(knownDocuments[name].overlay);
  const first = Number(process.env['WEIR_SEED'] ?? 1);
  let imported = 0;
  for (let seed = first; seed < first + amountOf('WEIR_FUZZ', 150, 3000); seed += 1) {
    const document = mutated(text, new RandomSource(seed));
    try {
      const { problems, sdl } = importOf({ text: document, file: 'api.json' }, overlay);
      for (const problem of problems) expect(problem.locations).toHaveLength(1);
      if (problems.length > 0) continue;
      imported += 1;
      const query = sdl.includes('type Query {') ? '' : 'type Query { other: Int }';
      expect(validateSchema(buildASTSchema(parse(openApiWords + query + sdl)))).toEqual([]);
    } catch (error) {
      throw new Error(`WEIR_SEED=${seed}`, { cause: error });
    }
  }
  expect(imported).toBeGreaterThan(50);
});
