/** Over 300 lines: each rule by which a document is read. */
import { buildASTSchema, parse, Source, validateSchema } from 'graphql';
import { formatProblem } from '../../../../../schema/composition/problem';
import { importOf } from '../../../../support/openapi/import-of';
import { openApiWords } from '../../../../support/openapi-words';

type Json = Record<string, unknown>;

/** Imports `get` and `send`, which have what is given in `operation`. */
const withPaths = (paths: Json, components: Json = {}, openapi = '3.0.3'): string =>
  JSON.stringify({ openapi, info: { title: 'Pets', version: '1' }, paths, components }, null, 1);

const answering = (schema: unknown): Json => ({
  responses: { 200: { description: '', content: { 'application/json': { schema } } } },
});

function read(text: string, overlay: string) {
  const read = importOf({ text, file: 'api.yaml' }, parse(new Source(overlay, 'api.join.graphql')));
  if (read.problems.length > 0) return read;
  const { sdl } = read;
  const query = sdl.includes('type Query {') ? '' : 'type Query { other: Int }';
  expect(validateSchema(buildASTSchema(parse(openApiWords + query + sdl)))).toEqual([]);
  return read;
}

const messages = ({ problems }: ReturnType<typeof read>): string[] =>
  problems.map(({ message, locations }) =>
    [...locations.map(({ file, line }) => `${file}:${line}`), message].join(' '),
  );

/** The types that an operation `get` reaches, without the root. */
function typesOf(schema: unknown, schemas: Json = {}, openapi?: string) {
  const result = read(
    withPaths({ '/a': { get: { operationId: 'get', ...answering(schema) } } }, { schemas }, openapi),
    'type Query { get: JSON }',
  );
  expect(messages(result)).toEqual([]);
  const [, root = '', types = ''] = /^type Query \{\n {2}get: (\S+) @http\([^\n]*\n\}\n\n?(.*)$/s.exec(
    result.sdl,
  )!;
  return { root, types: types.trim(), notes: result.notes };
}

/** The same, of a property of an object `T`, without scalars. */
function fieldOf(schema: unknown, schemas: Json = {}, openapi?: string) {
  const T = { type: 'object', properties: { a: schema } };
  const { types, notes } = typesOf({ $ref: '#/components/schemas/T' }, { T, ...schemas }, openapi);
  const [, type = ''] = /type T \{\n {2}a: (.*)\n\}/.exec(types)!;
  const others = types
    .split('\n\n')
    .filter((each) => !/^(scalar|type T )/.test(each))
    .join('\n\n');
  return { type, others, notes };
}

/** The arguments and the template of an operation. */
function operation(
  own: Json,
  { path = '/a', method = 'get', item = {}, components = {}, openapi = '3.0.3' } = {},
) {
  const root = method === 'get' ? 'Query' : 'Mutation';
  const result = read(
    withPaths(
      {
        [path]: { ...item, [method]: { operationId: 'op', responses: { 204: { description: '' } }, ...own } },
      },
      components,
      openapi,
    ),
    `type ${root} { op: Boolean }`,
  );
  const [, args = '', type = '', http = ''] =
    /op(?:\(\n(.*?)\n {2}\))?: (\S+) @http\((.*?)\)( @deprecated)?\n/s.exec(result.sdl) ?? [];
  return { ...result, problems: messages(result), args: args.replace(/^ +/gm, ''), type, http };
}

describe('readOpenApi', () => {
  it('imports the operations that the overlay names, and what they reach', () => {
    const pet = {
      type: 'object',
      properties: { id: { type: 'integer', format: 'int64' }, name: { type: 'string' } },
    };
    const text = withPaths(
      {
        '/pets/{petId}': {
          parameters: [{ name: 'petId', in: 'path', required: true, schema: { type: 'integer' } }],
          get: {
            operationId: 'getPetById',
            summary: 'One pet.',
            ...answering({ $ref: '#/components/schemas/Pet' }),
          },
          delete: { operationId: 'deletePet', responses: { 204: { description: '' } } },
        },
        '/pets': { get: answering({ type: 'array', items: { $ref: '#/components/schemas/Pet' } }) },
        '/owners': { get: { operationId: 'owners', ...answering({ $ref: '#/components/schemas/Owner' }) } },
      },
      { schemas: { Pet: pet, Owner: { type: 'object', properties: { x: { type: 'string' } } } } },
    );
    const overlay = `extend type Query { getPetById: Pet get_pets: [Pet] } extend type Mutation { deletePet: Boolean }`;
    expect(read(text, overlay).sdl).toMatchInlineSnapshot(`
"type Query {
  "One pet."
  getPetById(
    petId: Long!
  ): Pet @http(method: "GET", path: "/pets/{petId}", parameters: [{ argument: "petId", name: "petId", in: "path" }])

  get_pets: [Pet] @http(method: "GET", path: "/pets")
}

type Mutation {
  deletePet(
    petId: Long!
  ): Boolean @http(method: "DELETE", path: "/pets/{petId}", parameters: [{ argument: "petId", name: "petId", in: "path" }], result: "success")
}

scalar Long

type Pet {
  id: Long
  name: String
}
"
`);
  });

  describe('types', () => {
    it.each([
      ['text', { type: 'string', format: 'date-time' }, 'String'],
      ['a boolean', { type: 'boolean' }, 'Boolean'],
      ['a number', { type: 'number' }, 'Float'],
      ['an integer of 32 bits', { type: 'integer', format: 'int32' }, 'Int'],
      ['an integer of 64 bits', { type: 'integer', format: 'int64' }, 'Long'],
      ['an integer of no declared width', { type: 'integer' }, 'Long'],
      ['a list', { type: 'array', items: { type: 'boolean' } }, '[Boolean]'],
      ['a list of anything', { type: 'array' }, '[JSON]'],
      ['a list of lists', { items: { items: { type: 'string' } } }, '[[String]]'],
      ['anything', {}, 'JSON'],
      ['a map', { type: 'object', additionalProperties: { type: 'string' } }, 'JSON'],
      ['one text', { type: 'string', enum: ['cat'] }, 'String'],
      ['numbers of a list', { type: 'integer', enum: [1, 2] }, 'Long'],
      ['what may be null', { type: 'string', nullable: true }, 'String'],
      ['text or text', { oneOf: [{ type: 'string' }, { type: 'string', format: 'uri' }] }, 'String'],
      ['numbers', { anyOf: [{ type: 'integer' }, { type: 'number' }] }, 'Float'],
      ['text or a number', { anyOf: [{ type: 'string' }, { type: 'number' }] }, 'JSON'],
    ])('reads %s', (_, schema, type) => {
      expect(fieldOf(schema)).toMatchObject({ type, others: '' });
    });

    it.each([
      ['text or null', { type: ['string', 'null'] }, 'String'],
      ['several types', { type: ['string', 'integer'] }, 'JSON'],
      ['a constant', { const: 'cat' }, 'String'],
      ['a constant number', { const: 1 }, 'Float'],
      ['a schema or null', { anyOf: [{ type: 'boolean' }, { type: 'null' }] }, 'Boolean'],
      ['all', true, 'JSON'],
      ['a reference with notes', { $ref: '#/components/schemas/U', title: 'x' }, 'U'],
      ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }] }, '[JSON]'],
    ])('reads %s (3.1)', (_, schema, type) => {
      const U = { type: 'object', properties: { b: { type: 'string' } } };
      expect(fieldOf(schema, { U }, '3.1.0').type).toBe(type);
    });

    it('merges what stands beside a reference (3.1); in 3.0 that is not read', () => {
      const U = { type: 'object', properties: { b: { type: 'string' } } };
      const schema = { $ref: '#/components/schemas/U', properties: { c: { type: 'boolean' } } };
      expect(fieldOf(schema, { U }, '3.1.0')).toMatchObject({
        type: 'T_a',
        others: 'type T_a {\n  c: Boolean\n  b: String\n}',
      });
      expect(fieldOf(schema, { U }).type).toBe('U');
    });

    it('merges allOf', () => {
      const Base = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
      const all = {
        allOf: [{ $ref: '#/components/schemas/Base' }, { properties: { b: { type: 'boolean' } } }],
      };
      expect(fieldOf(all, { Base }).others).toBe('type T_a {\n  id: String\n  b: Boolean\n}');
      // Of one schema it is that schema.
      const one = { nullable: true, allOf: [{ $ref: '#/components/schemas/Base' }] };
      expect(fieldOf(one, { Base })).toMatchObject({ type: 'Base', others: 'type Base {\n  id: String\n}' });
    });

    it('names types by components and properties, and renames what GraphQL cannot name', () => {
      const schema = {
        type: 'object',
        properties: {
          '+1': { type: 'string' },
          '-1': { type: 'string' },
          'a b': { type: 'string' },
          a_b: { type: 'string' },
          __typename: { type: 'string' },
          '': { type: 'array', items: { type: 'object', properties: { é: { type: 'string' } } } },
        },
      };
      expect(fieldOf({ $ref: '#/components/schemas/simple-user' }, { 'simple-user': schema }).others).toBe(
        `type simple_user {
  plus_1: String @json(name: "+1")
  minus_1: String @json(name: "-1")
  a_b_2: String @json(name: "a b")
  a_b: String
  _typename: String @json(name: "__typename")
  empty: [simple_user_] @json(name: "")
}

type simple_user_ {
  _: String @json(name: "é")
}`,
      );
    });

    it('gives no name that begins with two underscores, which are those of introspection', () => {
      const schema = { properties: { 名前: { type: 'string' }, 年齢: { type: 'string' } } };
      expect(fieldOf(schema).others).toBe(
        'type T_a {\n  _: String @json(name: "名前")\n  _2: String @json(name: "年齢")\n}',
      );
    });

    it('has JSON for choices that lead to nothing but themselves', () => {
      const A = { oneOf: [{ $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/B' }] };
      const B = { anyOf: [{ $ref: '#/components/schemas/A' }] };
      expect(fieldOf({ $ref: '#/components/schemas/A' }, { A, B }).type).toBe('JSON');
    });

    it('does not name types like those of GraphQL', () => {
      const Query = { type: 'object', properties: { b: { type: 'string' } } };
      expect(fieldOf({ $ref: '#/components/schemas/Query' }, { Query }).type).toBe('Query_2');
    });

    it('maps values of enums both ways', () => {
      const schema = { type: 'string', enum: ['NEW', 'in-use', 'true', '', '1st', null], nullable: true };
      expect(fieldOf(schema).others).toBe(
        'enum T_a {\n  NEW\n  in_use @json(name: "in-use")\n  true_2 @json(name: "true")\n  empty @json(name: "")\n  _1st @json(name: "1st")\n}',
      );
    });

    it('reads types that hold themselves', () => {
      const Node = {
        type: 'object',
        properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Node' } } },
      };
      expect(fieldOf({ $ref: '#/components/schemas/Node' }, { Node }).others).toBe(
        'type Node {\n  children: [Node]\n}',
      );
      const List = { type: 'array', items: { $ref: '#/components/schemas/List' } };
      expect(fieldOf({ $ref: '#/components/schemas/List' }, { List }).notes).toEqual([
        { message: 'They are JSON, as they are lists in more than 10 lists', coordinates: ['T.a'] },
      ]);
    });

    it('leaves properties out that are only written, and notes what is left out', () => {
      const schema = {
        type: 'object',
        properties: { a: { type: 'string' }, secret: { type: 'string', writeOnly: true } },
        additionalProperties: true,
      };
      expect(typesOf(schema)).toEqual({
        root: 'get_result',
        types: 'type get_result {\n  a: String\n}',
        notes: [
          { message: 'They have only the properties that the document names', coordinates: ['get_result'] },
        ],
      });
    });

    it('keeps descriptions and deprecations', () => {
      const schema = {
        description: 'A "pet".',
        properties: { a: { type: 'string', description: ' Its\nname. ', deprecated: true } },
      };
      expect(typesOf(schema).types).toBe(
        '"A \\"pet\\"."\ntype get_result {\n  "Its\\nname."\n  a: String @deprecated\n}',
      );
    });
  });

  describe('unions', () => {
    const object = (properties: Json, required: string[] = []) => ({ type: 'object', properties, required });
    const text = { type: 'string' };
    const refs = ['Cat', 'Dog'].map((name) => ({ $ref: `#/components/schemas/${name}` }));

    it('are made by a discriminator, with the names of schemas or a mapping', () => {
      const schemas = { Cat: object({ kind: text }), Dog: object({ kind: text, bark: text }) };
      expect(fieldOf({ oneOf: refs, discriminator: { propertyName: 'kind' } }, schemas).others).toContain(
        'union T_a @variants(property: "kind", of: [{ type: "Cat", values: ["Cat"] }, { type: "Dog", values: ["Dog"] }]) = Cat | Dog',
      );
      const mapping = { cat: '#/components/schemas/Cat', tom: 'Cat', dog: 'Dog' };
      expect(
        fieldOf({ anyOf: refs, discriminator: { propertyName: 'kind', mapping } }, schemas).others,
      ).toContain('of: [{ type: "Cat", values: ["cat", "tom"] }, { type: "Dog", values: ["dog"] }]');
    });

    it('are made by a property that has one value in each', () => {
      const schemas = {
        Cat: object({ object: { enum: ['cat'] }, id: text }, ['object']),
        Dog: object({ object: { enum: ['dog', 'hound'] }, id: text }, ['object']),
      };
      expect(fieldOf({ anyOf: refs }, schemas).others).toContain(
        '@variants(property: "object", of: [{ type: "Cat", values: ["cat"] }, { type: "Dog", values: ["dog", "hound"] }])',
      );
    });

    it('are made by required properties, in an order in which these decide', () => {
      const schemas = {
        Cat: object({ id: text }, ['id']),
        Dog: object({ id: text, bark: text }, ['id', 'bark']),
      };
      expect(fieldOf({ anyOf: refs }, schemas).others).toContain(
        'union T_a @variants(of: [{ type: "Dog", required: ["bark"] }, { type: "Cat", required: [] }]) = Dog | Cat',
      );
    });

    it('are JSON where nothing decides, which is noted', () => {
      const schemas = {
        Cat: object({ id: text, claw: text }, ['id']),
        Dog: object({ id: text, bark: text }, ['id']),
      };
      expect(fieldOf({ anyOf: refs }, schemas)).toMatchObject({
        type: 'JSON',
        notes: [
          {
            message: 'They are JSON, as no property decides which of several objects they are',
            coordinates: ['T.a'],
          },
        ],
      });
      expect(fieldOf({ anyOf: [text, refs[0]] }, schemas)).toMatchObject({
        type: 'JSON',
        notes: [
          {
            message: 'They are JSON, as they are one of several kinds, such as text or an object',
            coordinates: ['T.a'],
          },
        ],
      });
    });

    it('take the variants of choices in choices', () => {
      const schemas = {
        Cat: object({ kind: text, claw: text }),
        Dog: object({ kind: text }),
        Pet: { oneOf: [...refs, { $ref: '#/components/schemas/Pet' }] },
      };
      const schema = {
        oneOf: [
          { $ref: '#/components/schemas/Pet' },
          { type: 'object', properties: { kind: { enum: ['x'] } } },
        ],
        discriminator: {
          propertyName: 'kind',
          mapping: { c: 'Cat', d: 'Dog', x: '#/components/schemas/T/properties/a/oneOf/1' },
        },
      };
      expect(fieldOf(schema, schemas).others).toContain('= Cat | Dog | T_a_1');
    });
  });

  describe('parameters', () => {
    it('take those of the path, and of the operation in their place', () => {
      const parameter = (name: string, position: string, more: Json = {}) => ({
        ...{ name, in: position, schema: { type: 'string' }, ...more },
      });
      const { args, http } = operation(
        {
          parameters: [
            parameter('q', 'query', { required: true, description: 'Words.' }),
            parameter('X-Trace', 'header'),
            parameter('Accept', 'header'),
            parameter('X-API-Key', 'header', { required: true }),
            parameter('b', 'path'),
          ],
        },
        {
          path: '/a/{b}',
          item: { parameters: [parameter('q', 'query'), { $ref: '#/components/parameters/page' }] },
          components: {
            parameters: {
              page: parameter('page', 'query', { schema: { type: 'integer', default: 1 }, required: true }),
            },
          },
        },
      );
      expect(args).toBe('"Words."\nq: String!\npage: Long\nX_Trace: String\nb: String!');
      expect(http).toBe(
        'method: "GET", path: "/a/{b}", parameters: [{ argument: "q", name: "q", in: "query" }, { argument: "page", name: "page", in: "query" }, { argument: "X_Trace", name: "X-Trace", in: "header" }, { argument: "b", name: "b", in: "path" }], result: "success"',
      );
    });

    it('have style, explode and allowReserved where the document has them', () => {
      const list = { type: 'array', items: { type: 'string' } };
      const object = { type: 'object', properties: { r: { type: 'string' } } };
      const { args, http } = operation({
        parameters: [
          { name: 'a', in: 'query', schema: list, style: 'form', explode: true },
          { name: 'b', in: 'query', schema: list, explode: false, allowReserved: true },
          { name: 'c', in: 'query', schema: list, style: 'pipeDelimited' },
          { name: 'd', in: 'query', schema: object, style: 'deepObject', explode: true },
        ],
      });
      expect(args).toBe('a: [String!]\nb: [String!]\nc: [String!]\nd: op_dInput');
      expect(http).toContain(
        '[{ argument: "a", name: "a", in: "query", style: "form", explode: true }, { argument: "b", name: "b", in: "query", explode: false, allowReserved: true }, { argument: "c", name: "c", in: "query", style: "pipeDelimited" }, { argument: "d", name: "d", in: "query", style: "deepObject", explode: true }]',
      );
    });

    it('of one name have a number', () => {
      const schema = { type: 'string' };
      const parameters = [
        { name: 'id', in: 'query', schema },
        { name: 'id', in: 'header', schema },
      ];
      expect(operation({ parameters }).args).toBe('id: String\nid_2: String');
    });

    it.each([
      ['cookie', {}, 'cookies are not sent'],
      ['query', { style: 'label' }, '`style` must be form'],
      ['query', { content: { 'application/json': {} } }, 'it has `content`'],
      ['querystring', {}, '`in` must be path, query, header'],
      ['header', { name: 'a\r\nb' }, 'no header can have such a name'],
    ])(
      'in %s that cannot be sent are left out with a note, or refused where they must be given',
      (position, more, why) => {
        const parameter = { name: 'x', in: position, schema: { type: 'string' }, ...more };
        const { args, notes, problems } = operation({ parameters: [parameter] });
        expect({ args, problems }).toEqual({ args: '', problems: [] });
        expect(notes[0]!.message).toContain(why);
        expect(operation({ parameters: [{ ...parameter, required: true }] }).problems[0]).toContain(why);
      },
    );

    it('must be those of the path', () => {
      const inPath = { name: 'b', in: 'path', schema: { type: 'string' } };
      expect(operation({ parameters: [inPath] }).problems[0]).toContain('the path has no `{b}`');
      expect(operation({}, { path: '/a/{b}' }).problems[0]).toContain('It has no parameter `b`');
    });
  });

  describe('bodies', () => {
    const Pet = {
      type: 'object',
      required: ['id', 'name', 'tag', 'colour', 'note'],
      properties: {
        id: { type: 'string', readOnly: true },
        name: { type: 'string' },
        tag: { type: 'string', nullable: true },
        colour: { type: 'string', default: 'red' },
        note: { type: 'string', writeOnly: true, 'x-b': 1 },
        'born-on': { type: 'string' },
        friends: { type: 'array', items: { $ref: '#/components/schemas/Pet' } },
      },
    };
    const options = { method: 'post', components: { schemas: { Pet } } };
    const body = (type: string, schema: unknown = { $ref: '#/components/schemas/Pet' }, more: Json = {}) => ({
      requestBody: { content: { [type]: { schema } }, required: true, ...more },
    });

    it('are an input, without what is only read; what must be given must not be null', () => {
      const { args, http, sdl } = operation(body('application/json; charset=utf-8'), options);
      expect(args).toBe('body: PetInput!');
      expect(http).toBe(
        'method: "POST", path: "/a", body: { argument: "body", mediaType: "application/json" }, result: "success"',
      );
      expect(sdl).toContain(`input PetInput {
  name: String!
  tag: String
  colour: String
  note: String!
  born_on: String @json(name: "born-on")
  friends: [PetInput!]
}`);
    });

    it('of a form keep its encoding', () => {
      const content = {
        'application/x-www-form-urlencoded': {
          schema: { $ref: '#/components/schemas/Pet' },
          encoding: { friends: { style: 'deepObject', explode: true }, name: { contentType: 'text/plain' } },
        },
        'multipart/form-data': {},
      };
      expect(operation({ requestBody: { content } }, options)).toMatchObject({
        args: 'body: PetInput',
        http: expect.stringContaining(
          'body: { argument: "body", mediaType: "application/x-www-form-urlencoded", encoding: [{ name: "friends", style: "deepObject", explode: true }] }',
        ) as string,
      });
    });

    it('are JSON where a form is another choice, and of any JSON type', () => {
      const patch = operation(body('application/merge-patch+json'), { ...options, method: 'patch' });
      expect(patch.http).toContain('mediaType: "application/merge-patch+json"');
      expect(operation(body('*/*'), options).http).toContain('mediaType: "application/json"');
    });

    it('that are empty, or cannot be sent and need not, are left out', () => {
      expect(operation(body('application/json', { type: 'object' }, { required: false }), options).args).toBe(
        '',
      );
      const optional = operation(body('multipart/form-data', {}, { required: false }), options);
      expect(optional).toMatchObject({
        args: '',
        notes: [
          {
            message:
              'Bodies are left out: it is `multipart/form-data`, and only JSON and application/x-www-form-urlencoded are sent',
            coordinates: ['Mutation.op'],
          },
        ],
      });
    });

    it.each([
      ['multipart/form-data', 'post', 'it is `multipart/form-data`, and only JSON'],
      ['application/xml', 'put', 'it is `application/xml`, and only JSON'],
      ['application/json', 'get', 'a GET has no body'],
    ])('of %s that must be given for a %s are refused', (type, method, why) => {
      const { problems } = operation(body(type), { ...options, method });
      expect(problems).toEqual([expect.stringContaining(`Its body cannot be sent: ${why}`)]);
    });

    it('that are one of several types are JSON', () => {
      const schema = {
        oneOf: [{ $ref: '#/components/schemas/Pet' }, { type: 'object', properties: { a: {} } }],
      };
      const { args, notes } = operation(body('application/json', schema), options);
      expect(args).toBe('body: JSON!');
      expect(notes).toEqual([
        {
          message: 'They are JSON, as inputs of GraphQL cannot be one of several types',
          coordinates: ['Mutation.op.body'],
        },
      ]);
    });
  });

  describe('answers', () => {
    const json = (schema: unknown) => ({ description: '', content: { 'application/json': { schema } } });
    const text = { description: '', content: { 'text/plain; charset=utf-8': {} } };

    it.each([
      [
        '201 with 204 beside it',
        { 204: { description: '' }, 201: json({ type: 'string' }) },
        'String',
        undefined,
      ],
      ['a class of status', { '2XX': json({ type: 'boolean' }), 404: json({}) }, 'Boolean', undefined],
      ['only a default', { default: json({ type: 'number' }), 500: json({}) }, 'Float', undefined],
      ['JSON without a schema', { 200: { content: { 'application/hal+json': {} } } }, 'JSON', undefined],
      ['text', { 200: text, default: json({}) }, 'String', 'text'],
      ['nothing', { 204: { description: '' } }, 'Boolean', 'success'],
      ['only errors', { 404: json({}) }, 'Boolean', 'success'],
    ])('are those of %s', (_, responses, type, result) => {
      const { http, ...read } = operation({ responses });
      expect(read.type).toBe(type);
      expect(/result: "(.*)"/.exec(http)?.[1]).toBe(result);
    });

    it('of several kinds of JSON are those of the first status, which is noted', () => {
      const responses = { 202: json({ type: 'string' }), 200: json({ type: 'boolean' }) };
      expect(operation({ responses })).toMatchObject({
        type: 'Boolean',
        notes: [
          {
            message: 'It answers several kinds of JSON: that of the first status is read',
            coordinates: ['Query.op'],
          },
        ],
      });
    });

    it.each(['application/xml', 'application/pdf', 'text/event-stream', 'text/xml'])(
      'of %s are refused',
      (type) => {
        const { problems } = operation({ responses: { 200: { content: { [type]: {} } } } });
        expect(problems).toEqual([
          expect.stringContaining(
            `\`paths./a.get.responses.200.content.${type}\`: It answers \`${type}\`; only JSON and text are read.`,
          ),
        ]);
      },
    );
  });

  it('that answers with a redirect alone is refused', () => {
    const { problems } = operation({ responses: { 302: { description: '' }, 404: { description: '' } } });
    expect(problems).toEqual([
      expect.stringContaining(
        '`paths./a.get.responses.302`: It answers with a redirect, which is not followed.',
      ),
    ]);
    const other = operation({ responses: { 204: { description: '' }, 302: { description: '' } } });
    expect(other.problems).toEqual([]);
  });

  describe('operations', () => {
    const none = { responses: { 204: { description: '' } } };

    it.each([
      [2, '`op0`, `op1`.'],
      [12, '`op0`, `op1`, `op2`, `op3`, `op4`, `op5`, `op6`, `op7`, `op8`, `op9` and 2 more.'],
    ])('must be named: an overlay without one gets names of %i', (count, names) => {
      const paths = Array.from({ length: count }, (_, i) => [
        `/${i}`,
        { get: { operationId: `op${i}`, ...none } },
      ]);
      const result = read(withPaths(Object.fromEntries(paths)), 'type Pet { id: ID }');
      expect(messages(result)).toEqual([
        `The overlay names no operation of the OpenAPI document, which has ${names}`,
      ]);
    });

    it('that the document lacks are a problem in the overlay, with the nearest name', () => {
      const text = withPaths({ '/a': { get: { operationId: 'getPet', ...none } } });
      const { problems } = read(text, 'type Query {\n  getPets: Boolean\n}');
      expect(problems.map(formatProblem)).toEqual([
        `error INVALID_SOURCE_SCHEMA: The OpenAPI document has no operation \`getPets\`. Did you mean \`getPet\`?
  api.join.graphql:2:3
    1 | type Query {
    2 |   getPets: Boolean
      |   ^
    3 | }`,
      ]);
    });

    it('whose names become one are a problem only where the overlay names it', () => {
      const text = withPaths({
        '/a': { get: { operationId: 'pets/get', ...none } },
        '/b': { get: { operationId: 'pets-get', ...none }, put: { operationId: 'put', ...none } },
      });
      expect(messages(read(text, 'type Mutation { put: Boolean }'))).toEqual([]);
      expect(messages(read(text, 'type Query { pets_get: Boolean }'))[0]).toContain(
        '`pets_get` names several operations of the OpenAPI document: GET /a, GET /b.',
      );
    });

    it.each([
      ['get', 'Mutation', '`op` is a GET, which changes nothing: name it in `Query`.'],
      ['delete', 'Query', '`op` is a DELETE, which changes data: name it in `Mutation`.'],
      ['head', 'Query', 'Operations of the method HEAD cannot be imported.'],
    ])('of the method %s are no %s', (method, root, message) => {
      const text = withPaths({ '/a': { [method]: { operationId: 'op', ...none } } });
      expect(messages(read(text, `type ${root} { op: Boolean }`))[0]).toContain(message);
    });

    it('may be a POST in Query, which is noted; callbacks and servers are left out', () => {
      const text = withPaths({
        '/a': { post: { operationId: 'search', callbacks: { x: {} }, servers: [{ url: '/b' }], ...none } },
      });
      expect(read(text, 'type Query { search: Boolean }').notes).toEqual([
        { message: 'It is a POST in `Query`: it must change nothing', coordinates: ['Query.search'] },
        { message: 'Its callbacks are left out', coordinates: ['Query.search'] },
        {
          message: 'It is sent to the URL of the subgraph, not to `servers` of its own',
          coordinates: ['Query.search'],
        },
      ]);
    });

    it.each(['/a/../b', '/a/%2E%2e', '//evil.example/a', 'a', '/a?b', '/a#b', '/a b', '/a\\..\\b'])(
      'at the path %s are refused',
      (path) => {
        expect(operation({}, { path }).problems[0]).toContain('Its path cannot be called');
      },
    );
  });
});
