import type { GraphQLError } from 'graphql';
import { requestError } from '../errors';
import { isMap } from '../options/is-map';
import type { IncomingRequest } from '../request/incoming-request';
import { type McpSink, rpcCodes } from './mcp-sink';

/** A message of JSON-RPC. */
export type Message = Readonly<Record<string, unknown>>;

/** The message in a body. @throws the refusal of a body that has none, or one of a method that there is not */
export function messageIn(request: IncomingRequest, body: Buffer): Message {
  const refuse = (code: number, error: GraphQLError): never => {
    (request.sink as McpSink).refusal = { code };
    throw error;
  };
  let message: unknown;
  try {
    message = JSON.parse(body.toString());
  } catch {
    return refuse(rpcCodes.parse, requestError('BAD_REQUEST', { reason: 'The body is not valid JSON.' }));
  }
  if (!isMap(message) || message['jsonrpc'] !== '2.0') {
    const reason = Array.isArray(message)
      ? 'Batches are not supported by this version of the protocol: send each message by itself.'
      : 'The body must be a message of JSON-RPC 2.0.';
    return refuse(rpcCodes.request, requestError('BAD_REQUEST', { reason }));
  }
  const { method } = message;
  if (isServed(method, request)) return message;
  const shown = typeof method === 'string' ? ` ${JSON.stringify(method.slice(0, 64))}` : ' of this kind';
  const reason = `There is no method${shown} here: there are tools alone.`;
  return refuse(rpcCodes.method, requestError('NOT_FOUND', { reason }));
}

/** Methods of a server that has tools alone. */
const methods: ReadonlySet<unknown> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
]);

/** Clients of the older protocol get an error of JSON-RPC from the library for what there is not: they call it to find out. */
const isServed = (method: unknown, { head: { headers } }: IncomingRequest): boolean =>
  methods.has(method) ||
  (typeof method === 'string' && method.startsWith('notifications/')) ||
  (headers['mcp-protocol-version'] !== undefined && method !== 'subscriptions/listen');
