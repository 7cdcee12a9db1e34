import { parse } from 'graphql';
import { importOf } from '../../../../support/openapi/import-of';

const head =
  'openapi: 3.0.3\npaths:\n  /a:\n    get:\n      operationId: get\n      responses:\n        200:\n';

function read(text: string, overlay = 'type Query { get: JSON }') {
  const result = importOf({ text, file: 'api.yaml' }, parse(overlay));
  const problems = result.problems.map(({ message, locations }) =>
    [...locations.map(({ file, line, column }) => `${file}:${line}:${column}`), message].join(' '),
  );
  return { problems, sdl: result.sdl };
}

/** YAML whose one operation answers a schema. */
const answering = (schema: string, rest = ''): string =>
  `${head}          content:\n            application/json:\n              schema: ${schema}\n${rest}`;

/** JSON whose one operation answers a schema, with components. */
const answeringJson = (schema: string, schemas: string): string =>
  `{"openapi":"3.1.0","paths":{"/a":{"get":{"operationId":"get","responses":{"200":{"content":{"application/json":{"schema":${schema}}}}}}}},"components":{"schemas":{${schemas}}}}`;

/** In milliseconds: far more than it takes, far less than what is not linear. */
const bound = 20_000;

describe('OpenApiDocument', () => {
  it.each([
    ['nothing', '', 'api.yaml cannot be read: It is no map with `openapi` and `paths`.'],
    [
      'HTML',
      '<html><body>502</body></html>',
      'api.yaml cannot be read: It is no map with `openapi` and `paths`.',
    ],
    ['another map', 'a: 1', 'api.yaml cannot be read: It has no `openapi`, the version of OpenAPI.'],
    [
      'Swagger',
      'swagger: "2.0"',
      'api.yaml:1:1 `swagger`: It is of Swagger 2.0; OpenAPI 3.0 and 3.1 are read: convert it, for example with `npx swagger2openapi`.',
    ],
    [
      'a version to come',
      'info: {}\nopenapi: 3.2.0',
      'api.yaml:2:1 `openapi`: It is of OpenAPI 3.2.0; 3.0 and 3.1 are read.',
    ],
    ['YAML that ends', 'openapi: "3.0.0', 'Missing closing "quote.'],
    ['JSON that ends', '{ "openapi": "3.0.0"', 'Flow map'],
    ['an alias of nothing', 'openapi: *x', 'Unresolved alias (the anchor must be set before the alias): x.'],
  ])('refuses %s', (_, text, message) => {
    expect(read(text).problems).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    [
      'another file',
      './pets.yaml#/Pet',
      '`$ref: ./pets.yaml#/Pet` is in another file; only `#/…` is read: bundle the document',
    ],
    ['a server', 'https://a.example/x', '`$ref: https://a.example/x` is in another file'],
    ['nothing', '#/components/schemas/Pet', '`$ref: #/components/schemas/Pet` leads to nothing.'],
    ['an anchor', '#Pet', '`$ref: #Pet` leads to nothing.'],
    ['what all objects have', '#/components/constructor', 'leads to nothing.'],
    ['the prototype', '#/__proto__/toString', 'leads to nothing.'],
  ])('refuses references to %s at their lines, also in keys that are numbers', (_, reference, message) => {
    const { problems } = read(answering(`{ $ref: '${reference}' }`, 'components: {}\n'));
    expect(problems).toEqual([expect.stringContaining(message)]);
    expect(problems[0]).toMatch(
      /^api\.yaml:10:25 `paths\.\/a\.get\.responses\.200\.content\.application\/json\.schema\.\$ref`: /,
    );
  });

  it('finds lines in JSON', () => {
    const text = JSON.stringify(JSON.parse(answeringJson('{"$ref":"x.json"}', '')), null, 2);
    const line = text.split('\n').findIndex((each) => each.includes('$ref')) + 1;
    expect(read(text).problems[0]).toMatch(new RegExp(`^api\\.yaml:${line}:`));
  });

  it('shows only what is near to a problem of a document in one line', () => {
    const text = answeringJson('{"$ref":"x.json"}', '').replace('{', `{"x":"${'x'.repeat(1e6)}",`);
    const result = importOf({ text, file: 'api.json' }, parse('type Query { get: JSON }'));
    const { excerpt, line } = result.problems[0]!.locations[0]!;
    expect(line).toBe(1);
    expect(excerpt).toContain('$ref');
    expect(excerpt.length).toBeLessThan(500);
  });

  it('follows escapes of references, and references to references', () => {
    const rest =
      "components:\n  schemas:\n    A: { $ref: '#/components/schemas/a~1b%20c' }\n    a/b c: { type: string }\n";
    expect(read(answering("{ $ref: '#/components/schemas/A' }", rest)).sdl).toContain('get: String @http');
  });

  it('reads anchors and aliases', () => {
    const rest =
      'components:\n  schemas:\n    A: &a { type: object, properties: { b: { type: string } } }\n    B: *a\n';
    expect(read(answering("{ $ref: '#/components/schemas/B' }", rest)).sdl).toContain(
      'type B {\n  b: String\n}',
    );
  });

  it('has no properties but its own', () => {
    const schema =
      '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"boolean"},"toString":{"$ref":"#/components/schemas/__proto__"}}}';
    const { problems, sdl } = read(answeringJson(schema, '"__proto__":{"type":"number"}'));
    expect(problems).toEqual([]);
    expect(sdl).toContain(
      'type get_result {\n  _proto__: String @json(name: "__proto__")\n  constructor: Boolean\n  toString: Float\n}',
    );
    const yaml = answering('{ properties: { __proto__: { type: string }, ? [a, b] : { type: string } } }');
    expect(read(yaml).sdl).toContain('_proto__: String @json(name: "__proto__")');
    expect(read(head, 'type Query { constructor: Int toString: Int }').problems[0]).toContain(
      'no operation `constructor`',
    );
  });

  it.each([
    ['itself', '"A":{"$ref":"#/components/schemas/A"}'],
    ['one another', '"A":{"$ref":"#/components/schemas/B"},"B":{"$ref":"#/components/schemas/A"}'],
    ['itself by allOf', '"A":{"allOf":[{"$ref":"#/components/schemas/A"}]}'],
    ['itself by anyOf', '"A":{"anyOf":[{"$ref":"#/components/schemas/A"},{"type":"null"}]}'],
  ])('refuses a schema that is %s', (_, schemas) => {
    expect(read(answeringJson('{"$ref":"#/components/schemas/A"}', schemas)).problems).toEqual([
      expect.stringContaining('leads to itself.'),
    ]);
  });

  it('reads a schema once that allOf has on several ways', () => {
    const schemas = Array.from(
      { length: 60 },
      (__, index) =>
        `"A${index}":{"allOf":[${`{"$ref":"#/components/schemas/A${index + 1}"},`.repeat(2)}{"properties":{"p${index}":{}}}]}`,
    );
    const { sdl } = read(answeringJson('{"$ref":"#/components/schemas/A0"}', `${schemas.join()},"A60":{}`));
    expect(sdl.match(/p\d+: JSON/g)).toHaveLength(60);
  });

  const repeated = (count: number, one: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => one(index)).join(',');
  const chain = (count: number, one: (reference: string) => string): string =>
    `${repeated(count, (index) => `"A${index}":${one(`{"$ref":"#/components/schemas/A${index + 1}"}`)}`)},"A${count}":{"type":"string"}`;
  const first = '{"$ref":"#/components/schemas/A0"}';
  const nested = (depth: number, [begin, end]: [string, string]): string =>
    `${begin.repeat(depth)}{}${end.repeat(depth)}`;
  const bomb = Array.from(
    { length: 30 },
    (_, index) => `  x${index + 1}: &x${index + 1} [${`*x${index}, `.repeat(9)}]\n`,
  ).join('');

  it.each([
    ['text of 10 MB', 'x'.repeat(1e7), 'no map'],
    ['HTML of 10 MB', '<html>'.repeat(1.6e6), 'no map'],
    [
      'a document that is too large',
      ' '.repeat(20_000_001),
      'It has 20000001 characters; at most 20000000 are read.',
    ],
    [
      'JSON that is cut at 10 MB',
      answeringJson(
        '{}',
        repeated(2e5, (index) => `"S${index}":{"type":"string","title":"x"}`),
      ).slice(0, -1),
      'It is no JSON',
    ],
    ['deep lists', `{"openapi":"3.1.0","x":${'['.repeat(1e5)}`, 'cannot be read'],
    ['deep YAML', `a: ${'['.repeat(1e4)}`, 'cannot be read'],
    ['an alias bomb', `openapi: 3.1.0\nx:\n  x0: &x0 [1]\n${bomb}${head.slice(15)}`, ''],
    ['many aliases', `openapi: 3.1.0\nx: &x 1\ny: [${'*x, '.repeat(1001)}]`, 'It has more than 1000 aliases'],
    ['a deep schema', answeringJson(nested(5e3, ['{"properties":{"a":', '}}']), ''), 'nested too deep'],
    ['deep items', answeringJson(nested(5e3, ['{"items":', '}']), ''), ''],
    ['deep allOf', answeringJson(nested(5e3, ['{"allOf":[{},', ']}']), ''), 'nested too deep'],
    ['deep anyOf', answeringJson(nested(5e3, ['{"anyOf":[{"properties":{"a":{}}},', ']}']), ''), ''],
    [
      'many variants',
      answeringJson(`{"anyOf":[${repeated(1e5, (index) => `{"properties":{"a${index}":{}}}`)}]}`, ''),
      '',
    ],
    [
      'a chain of references',
      answeringJson(
        first,
        chain(1e4, (next) => next),
      ),
      'leads to itself',
    ],
    [
      'a chain of types',
      answeringJson(
        first,
        chain(5e3, (next) => `{"properties":{"a":${next}}}`),
      ),
      '',
    ],
    [
      'a chain of allOf',
      answeringJson(
        first,
        chain(5e3, (next) => `{"allOf":[${next},{"properties":{"a":{}}}]}`),
      ),
      'too many schemas',
    ],
    [
      'a chain of types that add',
      answeringJson(
        first,
        repeated(
          3000,
          (index) =>
            `"A${index}":{"allOf":[{"$ref":"#/components/schemas/A${Math.max(0, index - 900)}"}],"properties":{"n${index}":{"$ref":"#/components/schemas/A${(index + 1) % 3000}"}}}`,
        ),
      ),
      '',
    ],
    [
      'many equal names',
      answeringJson(
        `{"properties":{${repeated(1e5, (index) => `"${'+'.repeat(index % 9)}${String.fromCharCode(0x4e00 + (index % 20000))}":{"type":"string"}`)}}}`,
        '',
      ),
      '',
    ],
    ['a long name', answeringJson(`{"properties":{"${'-'.repeat(5e6)}":{"type":"string"}}}`, ''), ''],
    ['a list in place of a map', '{"openapi":"3.1.0","paths":[1,{"get":2}],"components":[]}', 'no operation'],
    [
      'text in place of maps',
      '{"openapi":"3.1.0","paths":{"/a":{"get":"x"},"/b":"y"},"components":1}',
      'no operation',
    ],
  ])(
    'reads or refuses %s in time',
    (_, text, message) => {
      const begun = performance.now();
      const { problems } = read(text);
      expect(performance.now() - begun).toBeLessThan(bound);
      if (message === '') expect(problems).toEqual([]);
      else expect(problems).toEqual([expect.stringContaining(message)]);
    },
    60_000,
  );

  it('does not trip over an operation that is none, or a schema that is none', () => {
    for (const schema of [
      '1',
      '"x"',
      'null',
      '[]',
      '{"type":1}',
      '{"type":[]}',
      '{"properties":[1]}',
      '{"required":"x","properties":{"a":1}}',
      '{"enum":{}}',
      '{"enum":[{},[]]}',
      '{"allOf":{"a":1}}',
      '{"oneOf":[]}',
      '{"oneOf":[1,null]}',
      '{"items":null}',
      '{"items":[{}]}',
      '{"discriminator":1,"oneOf":[{},{}]}',
      '{"description":1,"properties":{"a":{"description":[]}}}',
    ])
      expect(read(answeringJson(schema, '')).problems).toEqual([]);
    for (const own of [
      '{"parameters":{}}',
      '{"parameters":[1]}',
      '{"responses":1}',
      '{"requestBody":1}',
      '{"responses":{"200":1}}',
      '{"responses":{"200":{"content":{"application/json":1}}}}',
    ])
      expect(
        read(
          `{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"get",${own.slice(1)}}}}`,
        ).problems.every((each) => each.includes('cannot be sent')),
      ).toBe(true);
  });
});
