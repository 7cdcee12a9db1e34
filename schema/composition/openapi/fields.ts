import { child, entries, isTrue, items, type Located, schemaOf, textAt } from './document';
import { contentsOf, form, isJson, isText, namesOf } from './contents';
import { legalName, Names, quoted } from './names';
import { checkPath, type Operation, pathParameters } from './operations';
import { describe, type Types } from './types';

/** An argument of a field, and the value in `@http` that sends it. */
interface Argument {
  readonly sdl: string;
  readonly template: string;
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

/** Writes a field of `Query` or `Mutation`. @throws {SupergraphConfigError} where its operation cannot be imported */
export function writeField(operation: Operation, root: 'Query' | 'Mutation', types: Types): string {
  const { at, name, method, path } = operation;
  const { document } = types;
  const field = `${root}.${name}`;
  checkMethod(operation, root, types);
  checkPath(operation, document);
  const names = new Names();
  const parameters = parametersOf(operation, types).flatMap(
    (parameter) => argumentOf(parameter, operation, { field, names, types }) ?? [],
  );
  const body = bodyOf(operation, { field, names, types });
  const { type, result } = resultOf(operation, field, types);
  if (child(at, 'callbacks') !== undefined) document.note('Its callbacks are left out', field);
  if (child(at, 'servers') !== undefined)
    document.note('It is sent to the URL of the subgraph, not to `servers` of its own', field);

  const args = [...parameters, ...body].map(({ sdl }) => sdl).join('\n');
  const templates = parameters.map(({ template }) => template).join(', ');
  const http = [
    `method: "${method}", path: ${quoted(path)}`,
    ...(templates === '' ? [] : [`parameters: [${templates}]`]),
    ...body.map(({ template }) => `body: ${template}`),
    ...(result === 'json' ? [] : [`result: "${result}"`]),
  ];
  const text = describe(textAt(at, 'summary') ?? textAt(at, 'description'), '  ');
  const deprecated = isTrue(at, 'deprecated') ? ' @deprecated' : '';
  return `${text}  ${name}${args && `(\n${args}\n  )`}: ${type} @http(${http.join(', ')})${deprecated}`;
}

function checkMethod({ at, method, name }: Operation, root: string, { document }: Types): void {
  if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
    throw document.error(`Operations of the method ${method} cannot be imported.`, at);
  if (root === 'Mutation' && method === 'GET')
    throw document.error(`\`${name}\` is a GET, which changes nothing: name it in \`Query\`.`, at);
  if (root === 'Mutation' || method === 'GET') return;
  // Searches and batches are often a POST, as their input is too long for a URL: who writes the overlay knows it.
  if (method !== 'POST')
    throw document.error(`\`${name}\` is a ${method}, which changes data: name it in \`Mutation\`.`, at);
  document.note('It is a POST in `Query`: it must change nothing', `${root}.${name}`);
}

/** The parameters of a path and of its operation, which replaces those of the same name and position. */
function parametersOf({ item, at, path }: Operation, { document }: Types): Located[] {
  const parameters = new Map<string, Located>();
  const key = (position: string | undefined, name: string | undefined) => `${position} ${name}`;
  for (const each of [...items(item, 'parameters'), ...items(at, 'parameters')]) {
    const parameter = document.resolve(each);
    parameters.set(key(textAt(parameter, 'in'), textAt(parameter, 'name')), parameter);
  }
  const lacking = pathParameters(path).find((name) => !parameters.has(key('path', name)));
  if (lacking !== undefined)
    throw document.error(`It has no parameter \`${lacking}\`, which its path has.`, at);
  return [...parameters.values()];
}

interface Scope {
  /** As `Query.getPet`. */
  readonly field: string;
  /** Of its arguments. */
  readonly names: Names;
  readonly types: Types;
}

/** Undefined for what need not be given and cannot be sent. */
function argumentOf(at: Located, operation: Operation, { field, names, types }: Scope): Argument | undefined {
  const { document } = types;
  const name = textAt(at, 'name') ?? '';
  const position = textAt(at, 'in') ?? '';
  if (position === 'header' && otherHeaders.has(name.toLowerCase())) return undefined;
  const isRequired = position === 'path' || isTrue(at, 'required');
  const reason = whyNoArgument(at, name, operation.path);
  if (reason !== undefined) {
    if (isRequired) throw document.error(`The parameter \`${name}\` cannot be sent: ${reason}.`, at);
    document.note(`Parameters are left out: ${reason}`, `${field}.${legalName(name)}`);
    return undefined;
  }
  const schema = schemaOf(at);
  const argument = names.take(legalName(name));
  const use = { operation: `${operation.name}_${name}`, coordinate: `${field}.${argument}` };
  const type = types.of(schema, { direction: 'input', ...use });
  const hasDefault = child(document.resolve(schema), 'default') !== undefined;
  const isGiven = position === 'path' || (isRequired && !hasDefault);
  return {
    sdl: `${describe(textAt(at, 'description'), '    ')}    ${argument}: ${type}${isGiven ? '!' : ''}`,
    template: `{ argument: "${argument}", name: ${quoted(name)}, in: "${position}"${styleOf(at)} }`,
  };
}

/** The argument for the body; none where there is none, or an empty one. */
function bodyOf({ at, method, name }: Operation, { field, names, types }: Scope): Argument[] {
  const { document } = types;
  const unresolved = child(at, 'requestBody');
  if (unresolved === undefined) return [];
  const body = document.resolve(unresolved);
  const contents = contentsOf(body);
  const isRequired = isTrue(body, 'required');
  const chosen =
    contents.find(([type]) => type === 'application/json') ??
    contents.find(([type]) => isJson(type)) ??
    contents.find(([type]) => type === form);
  const schema = chosen && schemaOf(chosen[1]);
  const shape = schema && types.shapes.of(schema);
  if (!isRequired && shape?.kind === 'object' && shape.properties.size === 0 && !shape.isOpen) return [];
  let reason = method === 'GET' ? 'a GET has no body' : undefined;
  if (chosen === undefined) reason ??= `it is ${namesOf(contents)}, and only JSON and ${form} are sent`;
  else if (chosen[0] === form && shape?.kind !== 'object') reason ??= 'a form must be an object';
  if (reason !== undefined) {
    if (isRequired) throw document.error(`Its body cannot be sent: ${reason}.`, body);
    document.note(`Bodies are left out: ${reason}`, field);
    return [];
  }
  const [mediaType, content] = chosen!;
  const argument = names.take('body');
  const use = { operation: name, coordinate: `${field}.${argument}` };
  const type = types.of(schema!, { direction: 'input', ...use });
  const encoding = (mediaType === form ? entries(content, 'encoding') : []).flatMap(([property, each]) =>
    styleOf(each) === '' ? [] : [`{ name: ${quoted(property)}${styleOf(each)} }`],
  );
  const encoded = encoding.length === 0 ? '' : `, encoding: [${encoding.join(', ')}]`;
  const sent = quoted(mediaType.includes('*') ? 'application/json' : mediaType);
  return [
    {
      sdl: `    ${argument}: ${type}${isRequired ? '!' : ''}`,
      template: `{ argument: "${argument}", mediaType: ${sent}${encoded} }`,
    },
  ];
}

/** What an operation answers when it succeeds: `success` is `true` for an answer without a body. */
function resultOf({ at, name }: Operation, field: string, types: Types): { type: string; result: string } {
  const { document, shapes } = types;
  const responses = entries(at, 'responses');
  const successes = responses.filter(([status]) => /^2(\d\d|XX)$/i.test(status));
  const contents = (successes.length > 0 ? successes : responses.filter(([status]) => status === 'default'))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, response]) => contentsOf(document.resolve(response)));
  const redirect = responses.find(([status]) => /^30[1-378]$/.test(status))?.[1];
  if (contents.length === 0 && successes.length === 0 && redirect !== undefined)
    throw document.error('It answers with a redirect, which is not followed.', redirect);
  if (contents.length === 0) return { type: 'Boolean', result: 'success' };
  const schemas = contents.flatMap(([type, each]) => (isJson(type) ? schemaOf(each) : []));
  if (schemas.length > 0) {
    if (new Set(schemas.map((schema) => shapes.of(schema).at.value)).size > 1)
      document.note('It answers several kinds of JSON: that of the first status is read', field);
    const use = { operation: `${name}_result`, coordinate: field };
    return { type: types.of(schemas[0]!, { direction: 'output', ...use }), result: 'json' };
  }
  if (contents.some(([type]) => isText(type))) return { type: 'String', result: 'text' };
  throw document.error(`It answers ${namesOf(contents)}; only JSON and text are read.`, contents[0]![1]);
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
