import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { ExecutionResult } from 'graphql';
import type { GatewayOptions } from '../../../gateway/process/given-options';
import type { SubgraphSchema, SupergraphConfig } from '../../../schema';
import { CommandFailure } from '../../context';
import type * as Schema from '../../../schema';
import type { ScalarValues } from './leaf-values';
import { type MockRequest, MockSubgraph } from './mock-subgraph';
import type { SeenKeys } from './seen-keys';

export interface MockServerOptions {
  /** The subgraphs that are mocked. */
  readonly names: readonly string[];
  readonly scalars: ScalarValues;
  /** The keys that real subgraphs have answered; undefined if they are not recorded. */
  readonly record: SeenKeys | undefined;
}

/** Answers for subgraphs on a port of the loopback interface: each has a path of its own. */
export interface MockServer {
  readonly names: readonly string[];
  /** The URL of each, by name. */
  readonly urls: ReadonlyMap<string, string>;
  /** @throws {CommandFailure} if the graph lacks one of them */
  check(config: SupergraphConfig): void;
  /** The configuration with the URLs of the mocks, which need no commands. */
  replaceIn(config: SupergraphConfig): SupergraphConfig;
  /** The options of the gateway for these URLs. */
  optionsOf(options: GatewayOptions): GatewayOptions;
  /** Answers by these schemas from now on. @param subgraphs all subgraphs of the supergraph */
  take(subgraphs: readonly SubgraphSchema[], supergraphSdl: string): void;
  stop(): Promise<void>;
}

export async function startMockServer({ names, scalars, record }: MockServerOptions): Promise<MockServer> {
  /** By the name as it is written in a URL. */
  const mocks = new Map<string, MockSubgraph>();
  let takenOf: string | undefined;
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    const path = request.url?.split('?', 1)[0];
    // Gateways hear the events of subgraphs there: a mock has none.
    if (path === '/events') return void response.writeHead(200, eventStream).write(':\n\n');
    const mock = mocks.get(path?.slice(1) ?? '');
    if (request.method !== 'POST' || mock === undefined) return void response.writeHead(404).end();
    answer(mock, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, { errors: [{ message: (error as Error).message }] });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const urls = new Map(names.map((name) => [name, `http://127.0.0.1:${port}/${encodeURIComponent(name)}`]));
  return {
    ...{ names, urls },
    check({ file, subgraphs }) {
      const unknown = names.find((name) => !subgraphs.some((each) => each.name === name));
      if (unknown === undefined) return;
      const known = subgraphs.map(({ name }) => name).join(', ');
      throw new CommandFailure(`weir: --mock: ${file} has no subgraph ${unknown}; it has: ${known}.`, 2);
    },
    replaceIn: (config) => ({
      ...config,
      subgraphs: config.subgraphs.map(({ command, ...subgraph }) => {
        const routingUrl = urls.get(subgraph.name);
        return routingUrl === undefined
          ? { ...subgraph, ...(command && { command }) }
          : { ...subgraph, routingUrl };
      }),
    }),
    optionsOf: (options) => ({
      ...options,
      // Credentials, certificates and protocols of the real ones are not theirs.
      subgraphs: {
        ...options.subgraphs,
        ...Object.fromEntries(names.map((name) => [name, { subscriptions: { protocol: 'sse' as const } }])),
      },
      mocked: names,
      ...(record && { interceptors: [...(options.interceptors ?? []), record.interceptor] }),
    }),
    take(subgraphs, supergraphSdl) {
      if (takenOf === supergraphSdl) return;
      takenOf = supergraphSdl;
      const apiSchema = (require('../../../schema') as typeof Schema).apiSchemaOf(supergraphSdl);
      const seenKeys = (type: string) => record?.of(type) ?? [];
      record?.take(subgraphs, names);
      mocks.clear();
      for (const subgraph of subgraphs.filter(({ name }) => names.includes(name)))
        mocks.set(
          encodeURIComponent(subgraph.name),
          new MockSubgraph({ subgraph, apiSchema, scalars, seenKeys }),
        );
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await record?.stop();
    },
  };
}

const eventStream = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };

/** The most bytes of a request. */
const longest = 32 * 1024 * 1024;

async function answer(mock: MockSubgraph, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!(Number(request.headers['content-length']) <= longest)) return void response.writeHead(413).end();
  const operation = (await json(request)) as MockRequest;
  const left = new AbortController();
  response.on('close', () => left.abort());
  const events = request.headers.accept?.includes('text/event-stream')
    ? mock.subscribe(operation, left.signal)
    : undefined;
  if (events === undefined) {
    send(response, await mock.answer(operation));
    return;
  }
  response.writeHead(200, eventStream);
  for await (const event of events) response.write(`event: next\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}

function send(response: ServerResponse, result: ExecutionResult | { errors: { message: string }[] }): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(result));
}
