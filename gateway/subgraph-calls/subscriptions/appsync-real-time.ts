/** The client's part of the real-time protocol of AWS AppSync. */
import { errorsWithCodes } from '../wire/appsync-errors';
import { bodyOf } from '../wire/request-body';
import type { Signer } from '../contract/signer';
import type { Caller, SubgraphRequest, TransportFailure } from '../contract/transport';
import type { Dialect, SubgraphMessage } from './dialect';
import { checked, readEnvelope } from './graphql-transport-ws-client';

export interface AppSyncRealTimeOptions {
  /** The GraphQL endpoint of the API: an https URL. */
  readonly url: URL;
  /** Where WebSockets are taken. @default as AppSync has it for its own hosts, and for custom domains */
  readonly realTimeUrl: URL | undefined;
  readonly signer: Signer | undefined;
}

/**
 * Credentials go with the connection and with each subscription: a JSON object of headers, signed as a `POST` to the
 * endpoint. No other headers reach the API. A subscription is accepted when AppSync has acknowledged it.
 */
export function appSyncRealTime({ url, realTimeUrl, signer }: AppSyncRealTimeOptions): Dialect {
  const connectUrl = new URL(url);
  connectUrl.pathname += '/connect';

  async function authorization(at: URL, body: Buffer, caller: Caller): Promise<Record<string, string>> {
    const signed = (await signer?.sign({ url: at, body, headers: signedHeaders, caller })) ?? [];
    const headers: Record<string, string> = { host: url.host };
    for (let i = 0; i < signed.length; i += 2) headers[names.get(signed[i]!) ?? signed[i]!] = signed[i + 1]!;
    if (headers['Authorization']?.startsWith('AWS4-') === true) return { ...signedHeaders, ...headers };
    const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
    return headers['x-api-key'] === undefined ? headers : { ...headers, 'x-amz-date': now };
  }

  return {
    acknowledges: true,
    most: 100,
    async handshake(caller) {
      const header = JSON.stringify(await authorization(connectUrl, Buffer.from('{}'), caller));
      return {
        url: realTimeUrl ?? defaultUrl(url),
        protocols: ['graphql-ws', `header-${Buffer.from(header).toString('base64url')}`],
        headers: {},
        init: '{"type":"connection_init"}',
      };
    },
    async start(id, request) {
      const data = bodyOf(withoutName(request));
      const extensions = { authorization: await authorization(url, data, request.caller) };
      return Buffer.from(
        JSON.stringify({ id, type: 'start', payload: { data: data.toString(), extensions } }),
      );
    },
    stop: (id) => `{"id":"${id}","type":"stop"}`,
    read,
    failureOf: (code) => (final.has(code) ? 'not-accepted' : 'interrupted'),
  };
}

/** Those that Amplify signs beside the host. */
const signedHeaders = {
  accept: 'application/json, text/javascript',
  'content-encoding': 'amz-1.0',
  'content-type': 'application/json; charset=UTF-8',
};

/** As AppSync's clients write them. */
const names = new Map([
  ['authorization', 'Authorization'],
  ['x-amz-security-token', 'X-Amz-Security-Token'],
]);

const final = new Set([4400, 4401, 4403]);

/** `wss://ID.appsync-realtime-api.REGION.amazonaws.com/graphql`; of a custom domain, `/graphql/realtime`. */
function defaultUrl(url: URL): URL {
  const found = new URL(url);
  if (found.hostname.includes('.appsync-api.'))
    found.hostname = found.hostname.replace('.appsync-api.', '.appsync-realtime-api.');
  else found.pathname += '/realtime';
  return found;
}

/** AppSync takes `query` and `variables` alone. */
const withoutName = (request: SubgraphRequest): SubgraphRequest => ({
  ...request,
  operation: {
    ...request.operation,
    bodyPrefix: Buffer.from(`{"query":${JSON.stringify(request.operation.document)},"variables":`),
  },
});

function read(message: Buffer): SubgraphMessage {
  const { type, id, payload } = readEnvelope(message);
  switch (type) {
    case 'connection_ack':
      return { is: 'ready', silence: timeoutIn(payload) };
    case 'connection_error':
      return { is: 'closed', failure: failureIn(payload), reason: String(payload) };
    case 'start_ack':
      return { is: 'accepted', id: checked(id) };
    case 'data':
      return { is: 'event', id: checked(id), body: errorsWithCodes(checked(payload)) };
    case 'error':
      // Without an id it is about a message that nobody sent.
      if (id === undefined) return { is: 'alive' };
      return { is: 'refused', id, body: errorsWithCodes(checked(payload)) };
    case 'complete':
      return { is: 'complete', id: checked(id) };
    case 'ka':
      return { is: 'alive' };
    default:
      throw new SyntaxError('The message has no known type.');
  }
}

/** How long AppSync may say nothing, by its `connection_ack`. */
function timeoutIn(payload: Buffer | undefined): number {
  const { connectionTimeoutMs: value } = payloadIn<{ connectionTimeoutMs?: unknown }>(payload);
  return typeof value === 'number' && value >= 1_000 && value < 2 ** 31 ? value : usualTimeout;
}

const usualTimeout = 300_000;

/** What was refused with these is refused again. */
function failureIn(payload: Buffer | undefined): TransportFailure {
  const { errors } = payloadIn<{ errors?: unknown }>(payload);
  const list = Array.isArray(errors) ? (errors as ({ errorCode?: unknown } | null)[]) : [];
  const isFinal = list.some((each) => [400, 401, 403].includes(Number(each?.errorCode)));
  return isFinal ? 'not-accepted' : 'interrupted';
}

function payloadIn<Payload extends object>(payload: Buffer | undefined): Partial<Payload> {
  const value: unknown = payload === undefined ? {} : JSON.parse(payload.toString());
  return typeof value === 'object' && value !== null ? value : {};
}
