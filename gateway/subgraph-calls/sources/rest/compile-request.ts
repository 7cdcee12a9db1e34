/** Makes the HTTP requests of a source's operations. */
import type {
  HttpBody,
  HttpParameter,
  SourceField,
  SourceSchema,
} from '../../../../schema/supergraph/sources/source-schema';
import { type ExactJson, exactString, stringText, typeOf, writeExactJson } from '../../../replay/exact-json';
import type { HttpRequest } from '../../contract/transport';
import { isSendable } from '../../sent-headers';
import { ArgumentError, type Arguments, toJsonOf, valueOf } from '../inputs';

/** @throws {ArgumentError} */
export type ToRequest = (args: Arguments) => HttpRequest;

export function compileRequest(field: SourceField, schema: SourceSchema): ToRequest {
  const { method, path, parameters, body, result } = field.http!;
  const inPath = new Map(
    parameters.flatMap((each) => (each.in === 'path' ? [[each.name, each] as const] : [])),
  );
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) =>
      segment
        .split(/\{([^{}]*)\}/)
        .map((part, i) => (i % 2 === 0 ? part : (inPath.get(part) ?? `{${part}}`))),
    );
  const inputs = new Map(Array.from(field.arguments.keys(), (name) => [name, inputOf(field, name, schema)]));
  const isForm = body?.mediaType === 'application/x-www-form-urlencoded';
  return (args) => {
    const jsonOf = (argument: string): ExactJson | undefined => inputs.get(argument)!(args);
    const query: string[] = [];
    const headers: Record<string, string> = result === 'json' ? {} : { accept: '*/*' };
    for (const parameter of parameters) {
      const value = jsonOf(parameter.argument);
      if (value === undefined || value === null) continue;
      if (parameter.in === 'query') query.push(...inQuery(parameter, value));
      else if (parameter.in === 'header') headers[parameter.name.toLowerCase()] = headerOf(parameter, value);
    }
    const target = segments.map((segment) => segmentOf(segment, jsonOf)).join('/');
    const sent = body && jsonOf(body.argument);
    if (sent !== undefined) headers['content-type'] = body!.mediaType;
    return {
      ...{ method, headers, route: path },
      path: `/${target}${query.length === 0 ? '' : `?${query.join('&')}`}`,
      ...(sent !== undefined && { body: Buffer.from(isForm ? formOf(sent, body) : writeExactJson(sent)) }),
    };
  };
}

function inputOf(
  field: SourceField,
  name: string,
  schema: SourceSchema,
): (args: Arguments) => ExactJson | undefined {
  const { type, defaultValue } = field.arguments.get(name)!;
  const toJson = toJsonOf(type, schema);
  const byDefault = defaultValue && valueOf(defaultValue, {});
  return (args) => {
    const given = Object.hasOwn(args, name) ? args[name] : byDefault;
    try {
      return given === undefined ? undefined : toJson(given);
    } catch (error) {
      // A value may be nested too deep.
      const reason = error instanceof ArgumentError ? error.message : 'It cannot be sent.';
      throw new ArgumentError(`The argument \`${name}\` of \`${field.name}\` is wrong: ${reason}`);
    }
  };
}

/** A segment of the path, which its values can neither leave nor make a dot segment (RFC 3986, section 3.3). */
function segmentOf(
  segment: readonly (string | HttpParameter)[],
  jsonOf: (argument: string) => ExactJson | undefined,
): string {
  let encoded = '';
  let raw = '';
  let argument = '';
  for (const part of segment) {
    if (typeof part === 'string') {
      encoded += part;
      raw += part;
      continue;
    }
    ({ argument } = part);
    const value = jsonOf(argument) ?? null;
    const text = inPathStyle(part, value, encode);
    if (text === '')
      throw new ArgumentError(`The argument \`${argument}\` must not be empty: it is a part of a path.`);
    encoded += text;
    raw += inPathStyle(part, value, (own) => own);
  }
  if (argument !== '' && raw.split(/[/\\;]|%(?:25)*(?:2f|5c|3b)/i).some((each) => dotSegment.test(each)))
    throw new ArgumentError(
      `The argument \`${argument}\` must not be \`.\` or \`..\`: it is a part of a path.`,
    );
  return encoded;
}

const dotSegment = /^(?:\.|%(?:25)*2e){1,2}$/i;

type Encode = (text: string) => string;

/** OpenAPI's styles `simple`, `label` and `matrix` are those of RFC 6570, sections 3.2.2, 3.2.5 and 3.2.7. */
function inPathStyle(
  { name, style = 'simple', explode = false }: HttpParameter,
  value: ExactJson,
  to: Encode,
): string {
  if (value === null) return '';
  const pairs = entriesOf(value);
  const isList = Array.isArray(value);
  if (style === 'matrix') {
    if (!explode || pairs === undefined) return `;${to(name)}=${joined(value, ',', false, to)}`;
    return pairs.map(([key, text]) => `;${to(isList ? name : key)}=${to(text)}`).join('');
  }
  return style === 'label'
    ? `.${joined(value, explode ? '.' : ',', explode, to)}`
    : joined(value, ',', explode, to);
}

function inQuery(parameter: Omit<HttpParameter, 'argument' | 'in'>, value: ExactJson): string[] {
  const { name, style = 'form', explode = style === 'form', allowReserved = false } = parameter;
  const key = encode(name);
  const pairs = entriesOf(value);
  const to = allowReserved ? encodeUnreserved : encode;
  if (style === 'deepObject') return bracketed(key, value, to);
  if (pairs === undefined) return [`${key}=${to(textOf(value))}`];
  if (explode) return pairs.map(([own, text]) => `${Array.isArray(value) ? key : encode(own)}=${to(text)}`);
  const delimiter = style === 'spaceDelimited' ? '%20' : style === 'pipeDelimited' ? '%7C' : ',';
  return [`${key}=${joined(value, delimiter, false, (text) => to(text).replaceAll(',', '%2C'))}`];
}

/** `name[key][0]=value`. OpenAPI leaves open what is nested: it is written as common parsers read it. */
function bracketed(key: string, value: ExactJson, to: Encode): string[] {
  if (value === null) return [];
  if (typeof value !== 'object') return [`${key}=${to(textOf(value))}`];
  return Object.entries(value).flatMap(([name, each]) => bracketed(`${key}%5B${encode(name)}%5D`, each, to));
}

function headerOf({ name, explode = false }: HttpParameter, value: ExactJson): string {
  const text = joined(value, ',', explode, (own) => own);
  if (credentials.has(name.toLowerCase()))
    throw new ArgumentError(`The header \`${name}\` has credentials, which no argument can be.`);
  if (isSendable(name, text)) return text;
  throw new ArgumentError(`The header \`${name}\` cannot be sent with this value.`);
}

/** Headers that only options set. */
const credentials = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'x-amz-security-token', 'x-amz-date'],
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'],
  ...['signature', 'signature-input', 'content-digest', 'weir-identity'],
]);

/** A form (OpenAPI, "Encoding Object"): lists repeat their name and objects are JSON, unless the document has another style. */
const formOf = (value: ExactJson, { encoding = [] }: HttpBody): string =>
  Object.entries(value ?? {})
    .flatMap(([name, each]: [string, ExactJson]) => {
      const own = encoding.find((one) => one.name === name);
      const isJson = own === undefined && typeOf(each) === 'object';
      if (each === null) return [];
      return inQuery({ ...own, name }, isJson ? exactString(writeExactJson(each)) : each);
    })
    .join('&');

/** A scalar, list or object in one text. */
function joined(value: ExactJson, delimiter: string, explode: boolean, to: Encode): string {
  const pairs = entriesOf(value);
  if (pairs === undefined) return to(textOf(value));
  return pairs
    .map(([key, text]) =>
      Array.isArray(value) ? to(text) : `${to(key)}${explode ? '=' : delimiter}${to(text)}`,
    )
    .join(delimiter);
}

/** Without null. Undefined for a scalar. */
const entriesOf = (value: ExactJson): [key: string, text: string][] | undefined =>
  typeof value !== 'object' || value === null
    ? undefined
    : Object.entries(value).flatMap(([key, each]: [string, ExactJson]) =>
        each === null ? [] : [[key, textOf(each)]],
      );

/** The text of a scalar; JSON of what is nested. */
const textOf = (value: ExactJson): string =>
  typeOf(value) === 'string' ? stringText(value as string) : writeExactJson(value);

/** Everything but letters, digits and `-._~` (RFC 3986, section 2.3). */
function encode(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text;
  if (/\p{Surrogate}/u.test(text)) throw new ArgumentError('An argument is no valid Unicode.');
  return encodeURIComponent(text).replace(/[!'()*]/g, hexadecimal);
}

/** The same, without the reserved characters that end neither a value nor a query, and mean no space. */
const encodeUnreserved: Encode = (text) =>
  encode(text).replace(/%(?:3A|2F|3F|5B|5D|40|21|24|28|29|2A|2C|3B)/g, decodeURIComponent);

const hexadecimal: Encode = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
