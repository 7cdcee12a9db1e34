import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { policyReader } from '../../gateway/cache/policy';
import type {
  Caller,
  OperationKind,
  Send,
  SubgraphRequest,
  SubgraphResponse,
} from '../../gateway/subgraph-calls/contract/transport';
import { callRest } from '../../gateway/subgraph-calls/sources/rest/call-rest';
import { createHttpTransport, type HttpSubgraph } from '../../gateway/subgraph-calls/wire/http';
import { readSourceSchema } from '../../schema/supergraph/sources/source-schema';
import { callerOf } from './caller';

export interface RestRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RestAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Text is sent as it is, others as JSON. */
  readonly body?: unknown;
}

export type AnswerRest = (
  request: RestRequest,
  response: ServerResponse,
) => RestAnswer | Promise<RestAnswer> | undefined;

export interface RestResult extends SubgraphResponse {
  readonly data: Record<string, unknown>;
  readonly errors: { message: string; path: unknown[]; extensions: Record<string, unknown> }[] | undefined;
  /** The body as text. */
  readonly text: string;
}

/** A REST API on a port of its own, and the executor that answers requests of the gateway by it. */
export class RestApi {
  readonly requests: RestRequest[] = [];
  answer: AnswerRest;
  /** The most requests that were answered at once. */
  mostAtOnce = 0;
  readonly url: string;
  readonly #server: Server;
  readonly #transport = createHttpTransport();
  readonly #send: Send;

  private constructor(
    server: Server,
    sdl: string,
    { of = 'pets', ...subgraph }: RestOptions,
    answer: AnswerRest,
  ) {
    this.#server = server;
    this.answer = answer;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = this.#transport.to({ name: 'pets', url: this.url, ...subgraph });
    const policyOf = policyReader();
    this.#send = callRest({ subgraph: 'pets', schema: readSourceSchema(sdl), policyOf })(send);
  }

  static async open(sdl: string, answer: AnswerRest, options: RestOptions = {}): Promise<RestApi> {
    let atOnce = 0;
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const received = { method, url, headers, body: Buffer.concat(pieces).toString() };
        api.requests.push(received);
        api.mostAtOnce = Math.max(api.mostAtOnce, ++atOnce);
        response.on('close', () => atOnce--);
        void Promise.resolve(api.answer(received, response)).then((answered) => {
          if (answered === undefined) return;
          const { status = 200, headers: own = {}, body } = answered;
          response.writeHead(status, { 'content-type': 'application/json', ...own });
          response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const api = new RestApi(server, sdl, options, answer);
    return api;
  }

  /** Sends an operation with root fields. */
  async run(
    document: string,
    variables: string | object = {},
    { caller = callerOf(), kind = 'query' }: { caller?: Caller; kind?: OperationKind } = {},
  ): Promise<RestResult> {
    return this.#request({
      operation: this.#operation(document, kind),
      variables: toBuffer(variables),
      caller,
    });
  }

  /** Looks up entities. @param representations JSON, or its text */
  async entities(
    selection: string,
    representations: readonly (object | string)[],
    { caller = callerOf(), variables = {} }: { caller?: Caller; variables?: object } = {},
  ): Promise<RestResult> {
    const document = `query($representations:[_Any!]!){_entities(representations:$representations){${selection}}}`;
    const texts = representations.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
    const others = JSON.stringify(variables).slice(1, -1);
    const list = {
      ...{ responseKey: '_entities', variable: 'representations', selection: document, count: texts.length },
      ...{ arguments: Buffer.from(others), representations: texts.map((each) => Buffer.from(each)) },
    };
    const all = `{"representations":[${texts.join()}]${others === '' ? '' : `,${others}`}}`;
    return this.#request({
      ...{ operation: this.#operation(document, 'query'), variables: Buffer.from(all), caller },
      entities: [list],
    });
  }

  async close(): Promise<void> {
    await this.#transport.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #request(request: SubgraphRequest): Promise<RestResult> {
    const response = await this.#send(request);
    const text = response.body.toString();
    return { ...response, text, ...(JSON.parse(text) as Pick<RestResult, 'data' | 'errors'>) };
  }

  #operation(document: string, kind: OperationKind): SubgraphRequest['operation'] {
    return { subgraph: 'pets', kind, document, name: undefined, bodyPrefix: Buffer.alloc(0) };
  }
}

type RestOptions = Partial<HttpSubgraph> & {
  /** The name of the subgraph of which the graph is. @default that of the graph */
  readonly of?: string;
};

const toBuffer = (variables: string | object): Buffer =>
  Buffer.from(typeof variables === 'string' ? variables : JSON.stringify(variables));
