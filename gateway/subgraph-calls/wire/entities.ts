/**
 * Splits and joins requests for entities, and their responses.
 *
 * Entity requests to one subgraph may share a call, and a cache may need only some of the entities.
 */
import { JsonParts } from './json-parts';
import type { EntityList, SubgraphRequest } from '../contract/transport';

/** The part of a response about one entity. */
export interface EntityAnswer {
  /** JSON of an object, or `null`, as the subgraph sent it, unchecked. */
  readonly json: Buffer;
  /** The errors of this entity. Their paths are relative to the original response. */
  readonly errors: readonly EntityError[];
}

export interface EntityError {
  readonly path: readonly unknown[];
}

/** The parts of a response to an entity request. */
export interface EntityAnswers {
  /** For each list of the request, an answer for each of its representations. */
  readonly lists: readonly (readonly EntityAnswer[])[];
  /** Errors without an entity in their path: each may concern any entity. */
  readonly errors: readonly unknown[];
  /** JSON of the response's `extensions`. */
  readonly extensions: Buffer | undefined;
}

/** The same request with other representations, given for each of its lists. */
export function withRepresentations(
  request: SubgraphRequest,
  representations: readonly (readonly Buffer[])[],
): SubgraphRequest {
  const lists = request.entities!;
  const { variables } = request;
  const pieces: Buffer[] = [];
  let copied = 0;
  const parts = new JsonParts(variables);
  parts.object((name) => {
    const value = parts.value();
    const i = lists.findIndex(({ variable }) => variable === name);
    if (i === -1) return;
    const start = value.byteOffset - variables.byteOffset;
    pieces.push(variables.subarray(copied, start), listOf(representations[i]!));
    copied = start + value.length;
  });
  pieces.push(variables.subarray(copied));
  const entities = lists.map(({ responseKey, variable, selection, arguments: others }, i) => ({
    responseKey,
    variable,
    selection,
    arguments: others,
    count: representations[i]!.length,
    representations: representations[i]!,
  }));
  return { ...request, variables: Buffer.concat(pieces), entities };
}

/**
 * A request for representations of one list only. Its operation has the name of the original one, by which operators
 * know it.
 */
export function requestAlone(
  { operation, caller }: SubgraphRequest,
  list: EntityList,
  representations: readonly Buffer[],
): SubgraphRequest {
  const { selection, arguments: others } = list;
  const { subgraph, name, tally } = operation;
  const document = name === undefined ? selection : selection.replace(/^query/, `query ${name}`);
  const operationName = name === undefined ? '' : `,"operationName":${JSON.stringify(name)}`;
  const bodyPrefix = Buffer.from(`{"query":${JSON.stringify(document)}${operationName},"variables":`);
  const more = others.length === 0 ? [] : [Buffer.from(','), others];
  const variables = Buffer.concat([
    Buffer.from('{"representations":'),
    listOf(representations),
    ...more,
    closingBrace,
  ]);
  return {
    operation: { subgraph, kind: 'query', document, name, bodyPrefix, tally },
    variables,
    caller,
    entities: [
      {
        responseKey: '_entities',
        variable: 'representations',
        selection,
        arguments: others,
        count: representations.length,
        representations,
      },
    ],
  };
}

/**
 * Splits a response that answers every representation of these lists. For others it returns `no data` (a GraphQL
 * response with errors and without data) or `unreadable` (anything else).
 */
export function readEntities(
  body: Buffer,
  lists: readonly EntityList[],
): EntityAnswers | 'no data' | 'unreadable' {
  const found: (Buffer[] | undefined)[] = lists.map(() => undefined);
  const response: { hasData: boolean; errors: unknown; extensions: Buffer | undefined } = {
    hasData: false,
    errors: [],
    extensions: undefined,
  };
  const parts = new JsonParts(body);
  try {
    parts.object((member) => {
      if (member === 'data' && parts.isObject) {
        response.hasData = true;
        parts.object((responseKey) => {
          const i = lists.findIndex((list) => list.responseKey === responseKey);
          if (i === -1 || !parts.isList) parts.value();
          else found[i] = parts.list();
        });
      } else if (member === 'errors') response.errors = JSON.parse(parts.value().toString()) ?? [];
      else if (member === 'extensions') response.extensions = parts.value();
      else parts.value();
    });
    parts.end();
  } catch (error) {
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
  const { hasData, errors, extensions } = response;
  if (!Array.isArray(errors)) return 'unreadable';
  if (!hasData) return errors.length === 0 ? 'unreadable' : 'no data';
  if (lists.some(({ representations }, i) => found[i]?.length !== representations.length))
    return 'unreadable';
  const { ofEntities, ofAll } = sortErrors(errors, lists);
  return {
    lists: found.map((list, i) => list!.map((json, n) => ({ json, errors: ofEntities[i]!.get(n) ?? none }))),
    errors: ofAll,
    extensions,
  };
}

/** Writes the body of a response to a request for these lists, from the answer to each representation. */
export function writeEntities(lists: readonly EntityList[], answers: EntityAnswers): Buffer {
  const errors: unknown[] = [...answers.errors];
  const starts = lists.map(({ responseKey }, i) => `${i === 0 ? '{"data":{' : '],'}"${responseKey}":[`);
  let length = 0;
  lists.forEach(({ responseKey }, i) => {
    const list = answers.lists[i]!;
    length += starts[i]!.length + Math.max(0, list.length - 1);
    list.forEach(({ json, errors: own }, n) => {
      length += json.length;
      for (const error of own) errors.push({ ...error, path: [responseKey, n, ...error.path.slice(2)] });
    });
  });
  const { extensions } = answers;
  const end =
    errors.length === 0 && extensions === undefined
      ? noMore
      : Buffer.concat([
          Buffer.from(errors.length === 0 ? ']}' : `]},"errors":${JSON.stringify(errors)}`),
          ...(extensions === undefined ? [] : [Buffer.from(',"extensions":'), extensions]),
          closingBrace,
        ]);
  const body = Buffer.allocUnsafe(length + end.length);
  let at = 0;
  starts.forEach((start, i) => {
    // Names of GraphQL are ASCII.
    at += body.write(start, at, 'latin1');
    answers.lists[i]!.forEach(({ json }, n) => {
      if (n > 0) body[at++] = comma;
      at += json.copy(body, at);
    });
  });
  end.copy(body, at);
  return body;
}

const noMore = Buffer.from(']}}');

const none: readonly EntityError[] = [];

/** Sorts errors into those of an entity, by list and index, and those without an entity in their path. */
function sortErrors(
  errors: readonly unknown[],
  lists: readonly EntityList[],
): { readonly ofEntities: readonly Map<number, EntityError[]>[]; readonly ofAll: readonly unknown[] } {
  const ofEntities = lists.map(() => new Map<number, EntityError[]>());
  const ofAll: unknown[] = [];
  for (const error of errors) {
    const path = (error as { path?: unknown } | null)?.path;
    const [responseKey, index] = Array.isArray(path) ? (path as unknown[]) : [];
    const i = lists.findIndex((list) => list.responseKey === responseKey);
    if (typeof index !== 'number' || lists[i]?.representations[index] === undefined) {
      ofAll.push(error);
      continue;
    }
    const known = ofEntities[i]!.get(index);
    if (known === undefined) ofEntities[i]!.set(index, [error as EntityError]);
    else known.push(error as EntityError);
  }
  return { ofEntities, ofAll };
}

function listOf(elements: readonly Buffer[]): Buffer {
  let length = 2 + Math.max(0, elements.length - 1);
  for (const element of elements) length += element.length;
  const list = Buffer.allocUnsafe(length);
  let at = 0;
  list[at++] = openBracket;
  for (const element of elements) {
    if (at > 1) list[at++] = comma;
    at += element.copy(list, at);
  }
  list[at] = closingBracket;
  return list;
}

const comma = 0x2c;
const openBracket = 0x5b;
const closingBracket = 0x5d;
const closingBrace = Buffer.from('}');
