/** A REST API: its OpenAPI document, and what it answers. */
import { type ApiDraft, type FieldDraft, type Operation, type TypeDraft } from './draft';
import { namedType, type Thing } from './world';
import { root } from './answer';

type Json = Readonly<Record<string, unknown>>;

export const openApiDocument = (api: ApiDraft): Json => ({
  openapi: '3.0.3',
  info: { title: api.name, version: '1' },
  paths: Object.fromEntries(
    api.operations.map((operation) => [
      operation.path,
      {
        [operation.method]: {
          operationId: operation.field,
          parameters: operation.parameters.map(({ name, in: where, type, explode }) => ({
            ...{ name, in: where, required: where === 'path' || type.endsWith('!') },
            ...(explode !== undefined && { explode }),
            schema: schemaOf(api, type),
          })),
          responses: {
            200: {
              description: 'It is there.',
              content: { 'application/json': { schema: schemaOf(api, rootField(api, operation).type) } },
            },
          },
        },
      },
    ]),
  ),
  components: {
    schemas: Object.fromEntries(
      [...api.types.values()]
        .filter(({ name }) => name !== 'Query')
        .map((type) => [type.name, componentOf(api, type)]),
    ),
  },
});

const rootField = (api: ApiDraft, { field }: Operation): FieldDraft => api.type('Query').fields.get(field)!;

function componentOf(api: ApiDraft, { kind, fields, items }: TypeDraft): Json {
  if (kind === 'enum') return { type: 'string', enum: items };
  if (kind === 'union')
    return {
      oneOf: items.map((name) => ({ $ref: `#/components/schemas/${name}` })),
      discriminator: { propertyName: 'kind' },
    };
  return {
    type: 'object',
    properties: Object.fromEntries([...fields.values()].map(({ name, type }) => [name, schemaOf(api, type)])),
  };
}

function schemaOf(api: ApiDraft, type: string): Json {
  const nullable = !type.endsWith('!');
  const plain = nullable ? type : type.slice(0, -1);
  if (plain.startsWith('[')) return { type: 'array', nullable, items: schemaOf(api, plain.slice(1, -1)) };
  if (api.types.has(plain)) return { $ref: `#/components/schemas/${plain}` };
  return { ...scalars[plain], nullable };
}

const scalars: Readonly<Record<string, Json>> = {
  String: { type: 'string' },
  ID: { type: 'string' },
  Boolean: { type: 'boolean' },
  Float: { type: 'number' },
  Int: { type: 'integer', format: 'int32' },
};

export interface RestAnswer {
  readonly status: number;
  readonly body: string;
}

/** Answers a request by the API's root fields. */
export function answerRest(api: ApiDraft, method: string, target: string): RestAnswer {
  const [path, query = ''] = target.split('?') as [string, string?];
  for (const operation of api.operations) {
    if (operation.method !== method.toLowerCase()) continue;
    const args = argumentsOf(operation, path, query);
    if (args === undefined) continue;
    const field = rootField(api, operation);
    let answer: unknown;
    try {
      answer = field.resolve(root, args);
    } catch (error) {
      return { status: 500, body: JSON.stringify({ message: (error as Error).message }) };
    }
    if (answer === null && operation.field.startsWith('get'))
      return { status: 404, body: '{"message":"Not found"}' };
    return { status: 200, body: JSON.stringify(jsonOf(api, field.type, answer)) };
  }
  throw new Error(`${api.name} has no ${method} ${target}`);
}

function argumentsOf({ path, parameters }: Operation, given: string, query: string): Json | undefined {
  const parts = path.split('/');
  const values = given.split('/');
  if (parts.length !== values.length) return undefined;
  const args: Record<string, unknown> = {};
  for (const [i, part] of parts.entries())
    if (part.startsWith('{')) args[part.slice(1, -1)] = decodeURIComponent(values[i]!);
    else if (part !== values[i]) return undefined;
  const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('=') as [string, string]);
  for (const { name, in: where, type, explode } of parameters) {
    if (where !== 'query') continue;
    const found = pairs.filter(([key]) => decodeURIComponent(key) === name).map(([, value]) => value);
    const items =
      explode === false ? found.flatMap((value) => (value === '' ? [] : value.split(','))) : found;
    const read = items.map((value) =>
      readAs(namedType(type), decodeURIComponent(value.replaceAll('+', '%20'))),
    );
    if (type.startsWith('[')) args[name] = read;
    else if (read.length > 0) args[name] = read[0];
  }
  for (const { name, type, in: where } of parameters)
    if (where === 'path') args[name] = readAs(namedType(type), String(args[name]));
  return args;
}

const readAs = (type: string, text: string): unknown => (type === 'Int' ? Number(text) : text);

/** All of an object: REST APIs answer with what nobody wants, too. */
function jsonOf(api: ApiDraft, type: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => jsonOf(api, type, item));
  const draft = api.types.get(namedType(type));
  if (value === null || value === undefined || draft === undefined || draft.kind === 'enum') return value;
  const thing = value as Thing;
  const name = draft.kind === 'union' ? api.typeOf(thing, draft.items) : draft.name;
  const fields = [...api.type(name).fields.values()].map((field) => [
    field.name,
    jsonOf(api, field.type, field.resolve(thing, {})),
  ]);
  return Object.fromEntries(draft.kind === 'union' ? [['kind', name], ...fields] : fields);
}
