import { child, children, isTrue, type Located, type OpenApiDocument, schemaOf, textAt } from './document';
import { contentsOf, form, isJson, isText, namesOf } from './contents';
import { legalName, Names, quoted } from './names';
import type { Notes } from './notes';
import { checkPath, type Operation, pathParameters } from './operations';
import { describe, type Types } from './types';

/** An argument of a field, and the value in `@http` that sends it. */
interface Argument {
  readonly sdl: string;
  readonly template: string;
}

interface Result {
  readonly type: string;
  /** What is made of a body: `success` is `true` for an answer without one. */
  readonly kind: 'json' | 'text' | 'success';
}

/** The styles that a parameter may have. */
const styles: Readonly<Record<string, readonly string[]>> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
};

/** Headers that other parts of a document describe, and those with credentials, which options of the gateway set. */
const otherHeaders = new Set([
  ...['accept', 'content-type', 'authorization'],
  ...['proxy-authorization', 'cookie', 'x-api-key', 'x-amz-security-token'],
]);

/** Writes the fields of `Query` and `Mutation` for operations. */
export class Fields {
  readonly #document: OpenApiDocument;
  readonly #types: Types;
  readonly #notes: Notes;

  constructor(document: OpenApiDocument, types: Types, notes: Notes) {
    this.#document = document;
    this.#types = types;
    this.#notes = notes;
  }

  /** @throws {OpenApiError} where an operation cannot be imported */
  write(operation: Operation, root: 'Query' | 'Mutation'): string {
    const { at, name, method, path } = operation;
    const field = `${root}.${name}`;
    this.#checkMethod(operation, root);
    checkPath(operation, this.#document);
    const names = new Names();
    const parameters = this.#parameters(operation).flatMap(
      (parameter) => this.#argument(parameter, operation, field, names) ?? [],
    );
    const body = this.#body(operation, field, names);
    const { type, kind } = this.#result(operation, field);
    if (child(at, 'callbacks') !== undefined) this.#notes.add('Its callbacks are left out', field);
    if (child(at, 'servers') !== undefined)
      this.#notes.add('It is sent to the URL of the subgraph, not to `servers` of its own', field);

    const args = [...parameters, ...body].map(({ sdl }) => sdl).join('\n');
    const templates = parameters.map(({ template }) => template).join(', ');
    const http = [
      `method: "${method}", path: ${quoted(path)}`,
      ...(templates === '' ? [] : [`parameters: [${templates}]`]),
      ...body.map(({ template }) => `body: ${template}`),
      ...(kind === 'json' ? [] : [`result: "${kind}"`]),
    ];
    const text = describe(textAt(at, 'summary') ?? textAt(at, 'description'), '  ');
    const deprecated = isTrue(at, 'deprecated') ? ' @deprecated' : '';
    return `${text}  ${name}${args && `(\n${args}\n  )`}: ${type} @http(${http.join(', ')})${deprecated}`;
  }

  #checkMethod({ at, method, name }: Operation, root: 'Query' | 'Mutation'): void {
    if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
      throw this.#document.error(`Operations of the method ${method} cannot be imported.`, at);
    if (root === 'Mutation' && method === 'GET')
      throw this.#document.error(`\`${name}\` is a GET, which changes nothing: name it in \`Query\`.`, at);
    if (root === 'Mutation' || method === 'GET') return;
    // Searches and batches are often a POST, as their input is too long for a URL: who writes the overlay knows it.
    if (method !== 'POST')
      throw this.#document.error(
        `\`${name}\` is a ${method}, which changes data: name it in \`Mutation\`.`,
        at,
      );
    this.#notes.add('It is a POST in `Query`: it must change nothing', `${root}.${name}`);
  }

  /** The parameters of a path and of its operation, which replaces those of the same name and position. */
  #parameters({ item, at, path }: Operation): Located[] {
    const parameters = new Map<string, Located>();
    const key = (position: string | undefined, name: string | undefined) => `${position} ${name}`;
    for (const [, each] of [item, at].flatMap((owner) => children(child(owner, 'parameters')))) {
      const parameter = this.#document.resolve(each);
      parameters.set(key(textAt(parameter, 'in'), textAt(parameter, 'name')), parameter);
    }
    const lacking = pathParameters(path).find((name) => !parameters.has(key('path', name)));
    if (lacking !== undefined)
      throw this.#document.error(`It has no parameter \`${lacking}\`, which its path has.`, at);
    return [...parameters.values()];
  }

  /** Undefined for what need not be given and cannot be sent. */
  #argument(at: Located, operation: Operation, field: string, names: Names): Argument | undefined {
    const name = textAt(at, 'name') ?? '';
    const position = textAt(at, 'in') ?? '';
    if (position === 'header' && otherHeaders.has(name.toLowerCase())) return undefined;
    const isRequired = position === 'path' || isTrue(at, 'required');
    const reason = whyNoArgument(at, name, operation.path);
    if (reason !== undefined) {
      if (isRequired) throw this.#document.error(`The parameter \`${name}\` cannot be sent: ${reason}.`, at);
      this.#notes.add(`Parameters are left out: ${reason}`, `${field}.${legalName(name)}`);
      return undefined;
    }
    const schema = schemaOf(at);
    const argument = names.take(legalName(name));
    const use = { operation: `${operation.name}_${name}`, coordinate: `${field}.${argument}` };
    const type = this.#types.of(schema, { direction: 'input', ...use });
    const hasDefault = child(this.#document.resolve(schema), 'default') !== undefined;
    const isGiven = position === 'path' || (isRequired && !hasDefault);
    const text = describe(textAt(at, 'description'), '    ');
    return {
      sdl: `${text}    ${argument}: ${type}${isGiven ? '!' : ''}`,
      template: `{ argument: "${argument}", name: ${quoted(name)}, in: "${position}"${styleOf(at)} }`,
    };
  }

  /** The argument for the body; none where there is none, or an empty one. */
  #body({ at, method, name }: Operation, field: string, names: Names): Argument[] {
    const unresolved = child(at, 'requestBody');
    if (unresolved === undefined) return [];
    const body = this.#document.resolve(unresolved);
    const contents = contentsOf(body);
    const isRequired = isTrue(body, 'required');
    const chosen =
      contents.find(({ type }) => type === 'application/json') ??
      contents.find(({ type }) => isJson(type)) ??
      contents.find(({ type }) => type === form);
    const schema = chosen && schemaOf(chosen.at);
    const shape = schema && this.#types.shapes.of(schema);
    if (!isRequired && shape?.kind === 'object' && shape.properties.size === 0 && !shape.isOpen) return [];
    let reason = method === 'GET' ? 'a GET has no body' : undefined;
    if (chosen === undefined) reason ??= `it is ${namesOf(contents)}, and only JSON and ${form} are sent`;
    else if (chosen.type === form && shape?.kind !== 'object') reason ??= 'a form must be an object';
    if (reason !== undefined) {
      if (isRequired) throw this.#document.error(`Its body cannot be sent: ${reason}.`, body);
      this.#notes.add(`Bodies are left out: ${reason}`, field);
      return [];
    }
    const argument = names.take('body');
    const use = { operation: name, coordinate: `${field}.${argument}` };
    const type = this.#types.of(schema!, { direction: 'input', ...use });
    const mediaType = chosen!.type.includes('*') ? 'application/json' : chosen!.type;
    const encodings = mediaType === form ? children(child(chosen!.at, 'encoding')) : [];
    const encoding = encodings.flatMap(([property, each]) =>
      styleOf(each) === '' ? [] : [`{ name: ${quoted(property)}${styleOf(each)} }`],
    );
    const encoded = encoding.length === 0 ? '' : `, encoding: [${encoding.join(', ')}]`;
    return [
      {
        sdl: `    ${argument}: ${type}${isRequired ? '!' : ''}`,
        template: `{ argument: "${argument}", mediaType: ${quoted(mediaType)}${encoded} }`,
      },
    ];
  }

  /** What an operation answers when it succeeds. */
  #result({ at, name }: Operation, field: string): Result {
    const responses = children(child(at, 'responses'));
    const successes = responses.filter(([status]) => /^2(\d\d|XX)$/i.test(status));
    const contents = (successes.length > 0 ? successes : responses.filter(([status]) => status === 'default'))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, response]) => contentsOf(this.#document.resolve(response)));
    const redirect = responses.find(([status]) => /^30[1-378]$/.test(status))?.[1];
    if (contents.length === 0 && successes.length === 0 && redirect !== undefined)
      throw this.#document.error('It answers with a redirect, which is not followed.', redirect);
    if (contents.length === 0) return { type: 'Boolean', kind: 'success' };
    const schemas = contents.filter(({ type }) => isJson(type)).map((each) => schemaOf(each.at));
    if (schemas.length === 0) {
      if (contents.some(({ type }) => isText(type))) return { type: 'String', kind: 'text' };
      throw this.#document.error(
        `It answers ${namesOf(contents)}; only JSON and text are read.`,
        contents[0]!.at,
      );
    }
    if (new Set(schemas.map((schema) => this.#types.shapes.of(schema).at.value)).size > 1)
      this.#notes.add('It answers several kinds of JSON: that of the first status is read', field);
    const use = { operation: `${name}_result`, coordinate: field };
    return { type: this.#types.of(schemas[0]!, { direction: 'output', ...use }), kind: 'json' };
  }
}

function whyNoArgument(at: Located, name: string, path: string): string | undefined {
  const position = textAt(at, 'in') ?? '';
  if (position === 'cookie') return 'cookies are not sent';
  const allowed = Object.hasOwn(styles, position) ? styles[position]! : undefined;
  if (allowed === undefined) return `\`in\` must be ${Object.keys(styles).join(', ')}`;
  const style = textAt(at, 'style');
  if (style !== undefined && !allowed.includes(style)) return `its \`style\` must be ${allowed.join(', ')}`;
  if (child(at, 'content') !== undefined) return 'it has `content`, and only `schema` is read';
  if (position === 'path' && !pathParameters(path).includes(name)) return `the path has no \`{${name}}\``;
  const isToken = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(name);
  return position === 'header' && !isToken ? 'no header can have such a name' : undefined;
}

/** How a parameter, or a property of a form, is written; empty where the document leaves it to OpenAPI's defaults. */
function styleOf(at: Located): string {
  const style = textAt(at, 'style');
  const explode = child(at, 'explode')?.value;
  return [
    style === undefined ? '' : `, style: ${quoted(style)}`,
    typeof explode === 'boolean' ? `, explode: ${explode}` : '',
    isTrue(at, 'allowReserved') ? ', allowReserved: true' : '',
  ].join('');
}
