import { child, children, isTrue, type Located, type OpenApiDocument, textAt } from './document';
import { bodyOf } from './bodies';
import { legalName, Names, quoted } from './names';
import type { Notes } from './notes';
import { checkPath, type Operation, pathParameters } from './operations';
import { resultOf } from './results';
import { describe, type Types } from './types';

/** What the fields of an import are written with. */
export interface Import {
  readonly document: OpenApiDocument;
  readonly types: Types;
  readonly notes: Notes;
}

/** An argument of a field, and the value in `@http` that sends it. */
export interface Argument {
  readonly sdl: string;
  readonly template: string;
}

/** Writes the field of `Query` or `Mutation` for an operation. @throws {OpenApiError} where it cannot be imported */
export function fieldOf(operation: Operation, root: 'Query' | 'Mutation', target: Import): string {
  const { document, notes } = target;
  const { at, name, method, path } = operation;
  checkMethod(operation, root, target);
  checkPath(operation, document);
  const names = new Names();
  const parameters = parametersOf(operation, document).flatMap(
    (parameter) => argumentOf(parameter, operation, `${root}.${name}`, names, target) ?? [],
  );
  const body = bodyOf(operation, `${root}.${name}`, names, target);
  const { type, kind } = resultOf(operation, `${root}.${name}`, target);
  if (child(at, 'callbacks') !== undefined) notes.add('Its callbacks are left out', `${root}.${name}`);

  const args = [...parameters, ...body].map(({ sdl }) => sdl);
  const http = [
    `method: "${method}", path: ${quoted(path)}`,
    ...(parameters.length > 0
      ? [`parameters: [${parameters.map(({ template }) => template).join(', ')}]`]
      : []),
    ...body.map(({ template }) => `body: ${template}`),
    ...(kind === 'json' ? [] : [`result: "${kind}"`]),
  ];
  const text = textAt(at, 'summary') ?? textAt(at, 'description');
  const list = args.length === 0 ? '' : `(\n${args.join('\n')}\n  )`;
  const deprecated = isTrue(at, 'deprecated') ? ' @deprecated' : '';
  return `${describe({ description: text }, '  ')}  ${name}${list}: ${type} @http(${http.join(', ')})${deprecated}`;
}

function checkMethod(
  { at, method, name }: Operation,
  root: 'Query' | 'Mutation',
  { document, notes }: Import,
): void {
  const isKnown = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method);
  if (!isKnown) throw document.error(`Operations of the method ${method} cannot be imported.`, at);
  if (root === 'Mutation' && method === 'GET')
    throw document.error(`\`${name}\` is a GET, which changes nothing: name it in \`Query\`.`, at);
  if (root === 'Mutation' || method === 'GET') return;
  // Searches and batches are often a POST, as their input is too long for a URL: who writes the overlay knows it.
  if (method !== 'POST')
    throw document.error(`\`${name}\` is a ${method}, which changes data: name it in \`Mutation\`.`, at);
  notes.add('It is a POST in `Query`: it must change nothing', `${root}.${name}`);
}

/** The parameters of a path and of its operation, which replaces those of the same name and position. */
function parametersOf({ item, at, path }: Operation, document: OpenApiDocument): Located[] {
  const parameters = new Map<string, Located>();
  const key = (position: string | undefined, name: string | undefined) => `${position} ${name}`;
  for (const owner of [item, at])
    for (const [, each] of children(child(owner, 'parameters'))) {
      const parameter = document.resolve(each);
      parameters.set(key(textAt(parameter, 'in'), textAt(parameter, 'name')), parameter);
    }
  const lacking = pathParameters(path).find((name) => !parameters.has(key('path', name)));
  if (lacking !== undefined)
    throw document.error(`It has no parameter \`${lacking}\`, which its path has.`, at);
  return [...parameters.values()];
}

/** The styles that a parameter may have, the default first. */
const styles: Readonly<Record<string, readonly string[]>> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
};

/** Headers that OpenAPI leaves to other parts of a document. */
const otherHeaders = new Set(['accept', 'content-type', 'authorization']);

/** Undefined for what need not be given and cannot be sent. */
function argumentOf(
  at: Located,
  { path, name: operation }: Operation,
  field: string,
  names: Names,
  { document, types, notes }: Import,
): Argument | undefined {
  const name = textAt(at, 'name') ?? '';
  const position = textAt(at, 'in') ?? '';
  if (position === 'header' && otherHeaders.has(name.toLowerCase())) return undefined;
  const isRequired = position === 'path' || isTrue(at, 'required');
  const reason = whyNoArgument(at, name, path);
  if (reason !== undefined) {
    if (isRequired) throw document.error(`The parameter \`${name}\` cannot be sent: ${reason}.`, at);
    notes.add(`Parameters are left out: ${reason}`, `${field}.${legalName(name)}`);
    return undefined;
  }
  const schema = child(at, 'schema') ?? { value: {}, path: [...at.path, 'schema'] };
  const argument = names.take(legalName(name));
  const type = types.of(schema, {
    direction: 'input',
    operation: `${operation}_${name}`,
    coordinate: `${field}.${argument}`,
  });
  const style = textAt(at, 'style') ?? styles[position]![0]!;
  const explode = child(at, 'explode')?.value;
  const isGiven =
    position === 'path' || (isRequired && child(document.resolve(schema), 'default') === undefined);
  const template = [
    `argument: "${argument}", name: ${quoted(name)}, in: "${position}"`,
    ...(style === styles[position]![0] ? [] : [`style: "${style}"`]),
    ...(typeof explode === 'boolean' && explode !== (style === 'form') ? [`explode: ${explode}`] : []),
    ...(isTrue(at, 'allowReserved') ? ['allowReserved: true'] : []),
  ];
  return {
    sdl: `${describe({ description: textAt(at, 'description') }, '    ')}    ${argument}: ${type}${isGiven ? '!' : ''}`,
    template: `{ ${template.join(', ')} }`,
  };
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
  if (position === 'header' && !/^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(name))
    return 'no header can have such a name';
  return undefined;
}
