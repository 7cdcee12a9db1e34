/** A REST API that answers by the schemas of its OpenAPI document: each value is of the type that the document gives it. */
import { type ExactJson, exactNumber, typeOf, writeExactJson } from '../../../gateway/replay/exact-json';
import { RandomSource } from '../random-source';
import type { Json } from '../running-gateway';
import { type RunningServer, serveHttp1 } from '../subgraph-servers';

export interface MockedExchange {
  /** The method, and the path of the document. */
  readonly operation: string;
  readonly url: string;
  readonly body: string;
  /** What was answered: of text no JSON, of nothing undefined. */
  readonly answer: ExactJson | undefined;
}

export interface DocumentMock extends RunningServer {
  readonly exchanges: MockedExchange[];
}

/** @param document OpenAPI 3.0, as a whole */
export async function startDocumentMock(document: Json): Promise<DocumentMock> {
  const exchanges: MockedExchange[] = [];
  const values = new Values(document);
  const paths = Object.entries<Json>(document.paths).map(([path, item]) => ({
    ...{ path, item, parts: path.split('/') },
  }));
  const server = await serveHttp1((request, response, body) => {
    const method = request.method!.toLowerCase();
    const { pathname, searchParams } = new URL(request.url!, 'http://mock');
    const given = pathname.split('/');
    // A path without parameters counts before one with them (OpenAPI, "Path Templating Matching").
    const found = paths
      .filter(({ parts, item }) => item[method] !== undefined && isMatch(parts, given))
      .sort((one, other) => one.path.split('{').length - other.path.split('{').length)[0];
    const parameters = [...(found?.item.parameters ?? []), ...(found?.item[method].parameters ?? [])];
    const known = new Set(parameters.map((each) => values.resolved(each).name));
    const unknown = [...searchParams.keys()].find(
      (name) => !known.has(name.split('[')[0]) && !known.has(name),
    );
    if (found === undefined || unknown !== undefined) {
      response.writeHead(400).end(`There is no ${unknown ?? 'such operation'}.`);
      return;
    }
    const { status, mediaType, answer } = values.answerTo(found.item[method]);
    // Who requests one thing by its id gets this one.
    const isOfOne =
      found.parts.at(-1)!.startsWith('{') && isObject(answer) && typeOf(answer['id'] ?? null) === 'string';
    const own = isOfOne ? { ...answer, id: decodeURIComponent(given.at(-1)!) } : answer;
    const operation = `${request.method} ${found.path}`;
    exchanges.push({ operation, url: request.url!, body: body.toString(), answer: own });
    response.writeHead(status, mediaType === undefined ? {} : { 'content-type': mediaType });
    const isText = typeof own === 'string' && !mediaType!.includes('json');
    response.end(own === undefined ? '' : isText ? own : writeExactJson(own));
  });
  return { ...server, url: new URL(server.url).origin, exchanges };
}

const isMatch = (template: readonly string[], path: readonly string[]): boolean =>
  template.length === path.length && template.every((part, i) => part.includes('{') || part === path[i]);

const isObject = (value: ExactJson | undefined): value is Readonly<Record<string, ExactJson>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Values of schemas, each time others. */
class Values {
  readonly #document: Json;
  readonly #random = new RandomSource(1);

  constructor(document: Json) {
    this.#document = document;
  }

  resolved(node: Json): Json {
    if (typeof node.$ref !== 'string') return node;
    const path = node.$ref.slice(2).split('/') as string[];
    return this.resolved(path.reduce((at: Json, part) => at[part], this.#document));
  }

  /** By the first response that is documented. */
  answerTo({ responses }: Json): { status: number; mediaType?: string; answer?: ExactJson } {
    const [status] = Object.keys(responses).sort() as [string];
    const contents = Object.entries<Json>(this.resolved(responses[status]).content ?? {});
    const content = contents.find(([type]) => type.includes('json')) ?? contents[0];
    if (content === undefined) return { status: Number(status) };
    const [mediaType, { schema = {} }] = content;
    return { status: Number(status), mediaType, answer: this.#of(schema, 0) };
  }

  #of(unresolved: Json, depth: number): ExactJson {
    const schema = this.resolved(unresolved);
    const { type, properties, items, allOf, oneOf = schema.anyOf, discriminator } = schema;
    if (depth > 8 || (schema.nullable === true && this.#random.chance(depth > 3 ? 1 : 0.2))) return null;
    if (schema.enum !== undefined) return this.#random.pick(schema.enum as ExactJson[]);
    if (allOf !== undefined)
      return Object.assign({}, ...allOf.map((each: Json) => this.#of(each, depth))) as ExactJson;
    if (discriminator?.mapping !== undefined) {
      const [value, $ref] = this.#random.pick(Object.entries<string>(discriminator.mapping));
      return { ...(this.#of({ $ref }, depth) as object), [discriminator.propertyName]: value };
    }
    if (oneOf !== undefined) return this.#of(this.#random.pick(oneOf as Json[]), depth);
    if (properties !== undefined) {
      const required = new Set<string>(schema.required);
      const names = Object.keys(properties).filter((name) => required.has(name) || depth < 3);
      return Object.fromEntries(names.map((name) => [name, this.#of(properties[name], depth + 1)]));
    }
    if (items !== undefined) return [1, 2].map(() => this.#of(items, depth + 1));
    if (type === 'object') return { key: 'value' };
    return this.#leaf(schema);
  }

  #leaf({ type, format }: Json): ExactJson {
    switch (type) {
      case 'boolean':
        return this.#random.chance(0.5);
      case 'integer':
        // 2^53 and more: no number of JavaScript has all of them.
        return format === 'int32' ? 7 : exactNumber(`90071992547409${this.#random.between(92, 99)}`);
      case 'number':
        return exactNumber(`${this.#random.between(0, 9)}.5`);
      default:
        return `${format ?? 'text'} "${this.#random.between(0, 1000)}" ä`;
    }
  }
}
