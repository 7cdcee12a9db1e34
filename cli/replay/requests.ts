/** What is sent again of a piece of the input: requests, or why it is left out. */
import { createHash } from 'node:crypto';
import { getOperationAST, GraphQLSchema, Kind, OperationTypeNode, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { beginningOf } from '../../gateway/replay/beginning';
import {
  type ExactJson,
  type ExactObject,
  parseExactJson,
  typeOf,
  writeExactJson,
} from '../../gateway/replay/exact-json';
import { longestName, longestText, type ReplayedOperation } from '../../gateway/replay/report';
import { signatureOf } from '../../gateway/usage/signature';
import type { JsonPiece } from './json-scanner';

/** What is not sent, and what its number is of. */
export const skipReasons = {
  mutation: 'mutations',
  subscription: 'subscriptions',
  upload: 'uploads',
  notGraphql: 'requests that are no GraphQL',
  unreadable: 'operations that cannot be read',
  withoutValues: 'recorded requests without their values',
  tooLarge: 'requests over 4 MiB',
} as const;

export type SkipReason = keyof typeof skipReasons;

export interface ReplayRequest {
  readonly operation: ReplayedOperation;
  /** For POST, as JSON; undefined for an operation of which only the hash is known. */
  readonly body?: string;
  /** Its text; undefined if it is not known. */
  readonly document?: string;
  /** For GET: the query string. By GET no server runs a mutation. */
  readonly search?: string;
  /** Those of a HAR, by name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export function requestsOf({ text }: Pick<JsonPiece, 'text'>): readonly (ReplayRequest | SkipReason)[] {
  if (text === undefined) return ['tooLarge'];
  try {
    const piece = parseExactJson(text);
    const fields = objectOf(piece);
    if (isText(fields['method']) && isText(fields['url'])) return ofHttp(fields);
    const document = objectOf(fields['document']);
    if (isText(document['text'])) return [ofRecord(fields, document['text'])];
    return listOf(piece).map((each) => ofOperation(objectOf(each), 'unreadable'));
  } catch {
    // What is nested too deep for a program to be written again.
    return ['unreadable'];
  }
}

/** A request as a HAR has it. */
function ofHttp(request: ExactObject): readonly (ReplayRequest | SkipReason)[] {
  const headers = new Map<string, string>();
  for (const header of listOf(request['headers'])) {
    const { name, value } = objectOf(header);
    if (isText(name) && isText(value)) headers.set(name.toLowerCase(), value);
  }
  const sent = objectOf(request['postData']);
  // Browsers leave what was uploaded out of the HAR.
  const type = isText(sent['mimeType']) ? sent['mimeType'] : headers.get('content-type');
  if (type?.startsWith('multipart/form-data') === true) return ['upload'];
  const body = request['method'] === 'GET' ? ofUrl(request['url'] as string) : parsed(sent['text']);
  if (body === undefined) return ['notGraphql'];
  return listOf(body).map((each) => {
    const found = ofOperation(objectOf(each), 'notGraphql');
    return typeof found === 'string' ? found : { ...found, headers };
  });
}

function ofUrl(text: string): ExactJson | undefined {
  if (!URL.canParse(text)) return undefined;
  const parameters = new URL(text).searchParams;
  const operation: Record<string, ExactJson> = {};
  for (const [name, value] of parameters) operation[name] = value;
  for (const name of ['variables', 'extensions'])
    if (parameters.has(name)) operation[name] = parsed(parameters.get(name) ?? undefined) ?? null;
  return operation;
}

/** A request that the console of Weir has recorded. */
function ofRecord(record: ExactObject, query: string): ReplayRequest | SkipReason {
  const { name, type } = objectOf(record['operation']);
  if (type === 'mutation' || type === 'subscription') return type;
  const variables = record['variables'];
  const operation = { query, operationName: name ?? null, variables: variables ?? null };
  // Literals are `…` there without `admin.console.values`, and the text is no GraphQL.
  const request = ofOperation(operation, 'withoutValues');
  if (typeof request === 'string' || variables !== undefined) return request;
  return declaresVariables(query) ? 'withoutValues' : request;
}

const declaresVariables = (query: string): boolean =>
  parse(query, { noLocation: true }).definitions.some(
    (each) => each.kind === Kind.OPERATION_DEFINITION && (each.variableDefinitions ?? []).length > 0,
  );

/** @param otherwise the reason if it is none */
function ofOperation(sent: ExactObject, otherwise: SkipReason): ReplayRequest | SkipReason {
  const { query, operationName, variables } = sent;
  const name = isText(operationName) ? operationName : undefined;
  const persisted = persistedBy(sent);
  if (!isText(query) || query === '') {
    if (persisted === undefined) return 'notGraphql';
    const parameters = new URLSearchParams();
    for (const [member, value] of Object.entries({ operationName, variables, ...persisted.members }))
      if (value !== undefined && value !== null)
        parameters.set(member, isText(value) ? value : writeExactJson(value));
    return {
      operation: { hash: shortId(persisted.hash), ...(name !== undefined && { name }) },
      search: `?${parameters.toString()}`,
      headers: new Map(),
    };
  }
  const read = readDocument(query, name);
  if (typeof read === 'string') return read === 'unreadable' ? otherwise : read;
  const { extensions } = persisted?.members ?? {};
  const body = Object.entries({ query, operationName, variables, extensions }).filter(
    (member): member is [string, ExactJson] => member[1] !== undefined,
  );
  return {
    operation: read,
    document: query,
    body: writeExactJson(Object.fromEntries(body)),
    headers: new Map(),
  };
}

/** The hash or id in a request, and the members that a server finds it in. */
function persistedBy(
  sent: ExactObject,
): { readonly hash: string; readonly members: Readonly<Record<string, ExactJson>> } | undefined {
  const { persistedQuery } = objectOf(sent['extensions']);
  const { sha256Hash } = objectOf(persistedQuery);
  if (isText(sha256Hash))
    return { hash: sha256Hash, members: { extensions: { persistedQuery: persistedQuery! } } };
  if (isText(sent['hash'])) {
    const version = objectOf(parseExactJson('{"version":1}'));
    const members = { extensions: { persistedQuery: { ...version, sha256Hash: sent['hash'] } } };
    return { hash: sent['hash'], members };
  }
  const member = ['documentId', 'doc_id', 'id'].find((each) => isText(sent[each]));
  return member === undefined
    ? undefined
    : { hash: sent[member] as string, members: { [member]: sent[member]! } };
}

/** An id as it is, unless it is so long that thousands would not fit into memory. */
const shortId = (id: string): string =>
  id.length <= longestId ? id : createHash('sha256').update(id).digest('hex');
const longestId = 200;

/** Of a query, which operation it is. */
function readDocument(query: string, name: string | undefined): ReplayedOperation | SkipReason {
  const key = createHash('sha256')
    .update(JSON.stringify([query, name]))
    .digest('base64');
  let read = documents.get(key);
  if (read === undefined) documents.set(key, (read = parseDocument(query, name)));
  return read;
}

/** So many are read once. */
const documents = new LRUCache<string, ReplayedOperation | SkipReason>({ max: 1000 });

function parseDocument(query: string, name: string | undefined): ReplayedOperation | SkipReason {
  try {
    const operation = getOperationAST(parse(query, { noLocation: true, maxLexicalTokens: mostTokens }), name);
    if (operation == null) return 'unreadable';
    if (operation.operation !== OperationTypeNode.QUERY) return operation.operation;
    // Without a schema, all that is written in arguments is taken for a value.
    const { hash, text } = signatureOf(query, name, noSchema);
    return {
      ...{ hash, text: beginningOf(text, longestText) },
      ...(operation.name && { name: beginningOf(operation.name.value, longestName) }),
    };
  } catch {
    return 'unreadable';
  }
}

const noSchema = new GraphQLSchema({});
const mostTokens = 50_000;

const isText = (value: ExactJson | undefined): value is string =>
  value !== undefined && typeOf(value) === 'string';

const objectOf = (value: ExactJson | undefined): ExactObject =>
  value !== undefined && typeOf(value) === 'object' ? (value as ExactObject) : {};

/** The items of a list; any other value is one. */
const listOf = (value: ExactJson | undefined): readonly ExactJson[] =>
  Array.isArray(value) ? (value as readonly ExactJson[]) : value === undefined ? [] : [value];

function parsed(text: ExactJson | undefined): ExactJson | undefined {
  try {
    return isText(text) ? parseExactJson(text) : undefined;
  } catch {
    return undefined;
  }
}
