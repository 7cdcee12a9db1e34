import type { IncomingRequest } from '../request/incoming-request';
import type { AccessField, Options } from '../options';
import { compileWriteAddresses, type WriteAddresses } from './logged-addresses';
import { jsonText } from './printable';

/** Returns the fields of a line in the access log: JSON, each with a comma in front. */
export type DescribeRequest = (request: IncomingRequest, status: number, milliseconds: number) => string;

/** Selects the fields at compile time, as the line is written for every request. */
export function compileAccessLine(logging: Options['logging']): DescribeRequest {
  const { omit, fields } = logging;
  const show = textWith(compileWriteAddresses(logging));
  const left = Object.entries(ownFields(show)).filter(([name]) => !omit.includes(name as AccessField));
  const writers = [
    ...left.map(([, write]) => write),
    ...Object.entries(fields).map((field) => writeField(field, show)),
  ];
  return (request, status, milliseconds) => {
    let facts = '';
    for (const write of writers) facts += write(request, status, milliseconds);
    return facts;
  };
}

/** Writes a text that may have addresses of clients. */
type ShowText = (text: string) => string;

/** The fields in order. Request ids, trace ids and GraphQL names need no escaping. */
const ownFields = (show: ShowText): Readonly<Record<AccessField, DescribeRequest>> => ({
  requestId: ({ id }) => `,"requestId":"${id}"`,
  clientRequestId: ({ clientRequestId: id }) => (id === undefined ? '' : `,"clientRequestId":"${id}"`),
  traceId: ({ trace }) => (trace === undefined ? '' : `,"traceId":"${trace.traceId}"`),
  spanId: ({ span }) => (span?.loggedId === undefined ? '' : `,"spanId":"${span.loggedId}"`),
  method: ({ head }) => `,"method":${jsonText(head.method)}`,
  path: ({ head }) => `,"path":${bounded(pathIn(head.url))}`,
  status: (_, status) => `,"status":${status}`,
  ms: (_request, _status, milliseconds) => `,"ms":${Math.round(milliseconds * 10) / 10}`,
  operationType: ({ operation, refusedOperation }) => {
    const { type = '' } = operation ?? refusedOperation ?? {};
    return type === '' ? '' : `,"operationType":"${type}"`;
  },
  operation: ({ operation, refusedOperation }) => {
    const { name = null } = operation ?? refusedOperation ?? {};
    return name === null ? '' : `,"operation":"${name}"`;
  },
  operationId: ({ operation, refusedOperation }) => {
    const { id } = operation ?? refusedOperation ?? {};
    return id === undefined ? '' : `,"operationId":"${id}"`;
  },
  operations: ({ operations }) => (operations > 1 ? `,"operations":${operations}` : ''),
  client: ({ clientName }) => (clientName === '' ? '' : `,"client":${bounded(clientName)}`),
  clientVersion: ({ clientVersion }) =>
    clientVersion === '' ? '' : `,"clientVersion":${bounded(clientVersion)}`,
  graph: ({ graph }) => (graph === undefined ? '' : `,"graph":"${graph}"`),
  cache: ({ cacheResult }) => (cacheResult === undefined ? '' : `,"cache":"${cacheResult}"`),
  calls: ({ operation, callsSent }) => (operation === undefined ? '' : `,"calls":${callsSent}`),
  codes: ({ codes }) => (codes === undefined ? '' : `,"codes":[${[...codes].map(bounded).join()}]`),
  errorsLeftOut: ({ errorsLeftOut }) => (errorsLeftOut === 0 ? '' : `,"errorsLeftOut":${errorsLeftOut}`),
  reason({ denial, refusals }) {
    const reason = denial?.reason ?? refusals?.[0]?.message;
    return reason === undefined ? '' : `,"reason":${show(reason)}`;
  },
  authMode: ({ denial }) => (denial === undefined ? '' : `,"authMode":"${denial.mode}"`),
});

function writeField(
  [name, field]: [string, Options['logging']['fields'][string]],
  show: ShowText,
): DescribeRequest {
  const read = valueOf(field);
  const key = `,${jsonText(name)}:`;
  return (request) => {
    const value = read(request);
    switch (typeof value) {
      case 'string':
        return key + show(value);
      case 'number':
      case 'boolean':
        return `${key}${value}`;
      case 'object':
        return value === null ? '' : key + show(JSON.stringify(value));
      default:
        return '';
    }
  };
}

function valueOf({
  header,
  claim,
}: Options['logging']['fields'][string]): (request: IncomingRequest) => unknown {
  if (header !== undefined) return (request) => headerOf(request, header);
  if (claim !== undefined) return (request) => request.claim(claim);
  return ({ address }) => (address === '' ? undefined : address);
}

const headerOf = ({ head: { headers } }: IncomingRequest, name: string): string | string[] | undefined =>
  Object.hasOwn(headers, name) ? headers[name] : undefined;

/** The path of a URL without the query string, and without the host of an absolute URL (RFC 9112, section 3.2.2). */
function pathIn(url: string): string {
  const path = before('#', before('?', url));
  if (path.startsWith('/') || path === '*') return path;
  return URL.canParse(path) ? new URL(path).pathname : '';
}

function before(sign: string, text: string): string {
  const end = text.indexOf(sign);
  return end === -1 ? text : text.slice(0, end);
}

const bounded = (text: string): string =>
  jsonText(text.length > longest ? `${text.slice(0, longest)}…` : text);

/** Cuts a text where no address is, so that none is left in part. */
function textWith(writeAddresses: WriteAddresses | undefined): ShowText {
  if (writeAddresses === undefined) return bounded;
  return (text) => {
    if (text.length <= longest) return jsonText(writeAddresses(text));
    let end = longest;
    while (end > 0 && /[0-9A-Fa-f:.]/.test(text[end - 1]!)) end--;
    return jsonText(`${writeAddresses(text.slice(0, end))}…`);
  };
}

/** Characters to which texts from clients are cut. */
const longest = 200;
