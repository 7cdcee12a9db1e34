import type { IncomingRequest } from '../request/incoming-request';
import type { AccessField, Options } from '../options';
import { jsonText } from './printable';

/** Returns the fields of a line in the access log: JSON, each with a comma in front. */
export type DescribeRequest = (request: IncomingRequest, status: number, milliseconds: number) => string;

/** Selects the fields at compile time, as the line is written for every request. */
export function compileAccessLine({ omit, fields }: Options['logging']): DescribeRequest {
  const left = Object.entries(own).filter(([name]) => !omit.includes(name as AccessField));
  const writers = [...left.map(([, write]) => write), ...Object.entries(fields).map(writeField)];
  return (request, status, milliseconds) => {
    let facts = '';
    for (const write of writers) facts += write(request, status, milliseconds);
    return facts;
  };
}

/** The fields in order. Request ids, trace ids and GraphQL names need no escaping. */
const own: Readonly<Record<AccessField, DescribeRequest>> = {
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
  cache: ({ cacheResult }) => (cacheResult === undefined ? '' : `,"cache":"${cacheResult}"`),
  calls: ({ operation, callsSent }) => (operation === undefined ? '' : `,"calls":${callsSent}`),
  codes: ({ codes }) => (codes === undefined ? '' : `,"codes":[${[...codes].map(bounded).join()}]`),
  errorsLeftOut: ({ errorsLeftOut }) => (errorsLeftOut === 0 ? '' : `,"errorsLeftOut":${errorsLeftOut}`),
  reason({ denial, refusals }) {
    const reason = denial?.reason ?? refusals?.[0]?.message;
    return reason === undefined ? '' : `,"reason":${bounded(reason)}`;
  },
  authMode: ({ denial }) => (denial === undefined ? '' : `,"authMode":"${denial.mode}"`),
};

function writeField([name, field]: [string, Options['logging']['fields'][string]]): DescribeRequest {
  const { header, claim } = field;
  const key = `,${jsonText(name)}:`;
  return (request) => {
    const value = header === undefined ? request.claim(claim!) : headerOf(request, header);
    switch (typeof value) {
      case 'string':
        return key + bounded(value);
      case 'number':
      case 'boolean':
        return `${key}${value}`;
      case 'object':
        return value === null ? '' : key + bounded(JSON.stringify(value));
      default:
        return '';
    }
  };
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

/** Characters to which texts from clients are cut. */
const longest = 200;
