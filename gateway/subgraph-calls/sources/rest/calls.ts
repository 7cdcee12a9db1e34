/** The calls of a source for one request of the gateway. */
import { isUtf8 } from 'node:buffer';
import type { SourceField } from '../../../../schema/supergraph/sources/source-schema';
import { noStore, type Policy } from '../../../cache/policy';
import { errors } from '../../../errors';
import { type ExactJson, exactString, readJson } from '../../../replay/exact-json';
import {
  type HttpRequest,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import type { OpenedSource } from '../source-executor';
import { type Failure, malformed } from './answer';
import { ArgumentError, type Arguments } from './inputs';
import type { RestSource } from './rest-source';

/** What a call gave: JSON, or why there is none. Without a body, it is null. */
export interface CallAnswer {
  /** The name of the type at the source. */
  readonly type: string;
  /** Null where there is a failure. */
  readonly json: ExactJson;
  readonly failure?: Failure;
  /** @default undefined: no call was needed */
  readonly policy?: Policy;
  /** @default undefined: no response came */
  readonly status?: number;
}

export const failed = (failure: Failure, status?: number): CallAnswer => ({
  ...{ type: '', json: null, failure, policy: noStore },
  ...(status !== undefined && { status }),
});

/** Makes each different GET once, some at a time. */
export class Calls {
  readonly responses: SubgraphResponse[] = [];
  readonly #source: RestSource;
  readonly #opened: OpenedSource;
  readonly #request: SubgraphRequest;
  readonly #next: Send;
  readonly #known = new Map<string, Promise<CallAnswer>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #count = 0;
  #answered = false;
  #failed: TransportError | undefined;

  constructor(source: RestSource, opened: OpenedSource, request: SubgraphRequest, next: Send) {
    this.#source = source;
    this.#opened = opened;
    this.#request = request;
    this.#next = next;
  }

  /** Calls the operation of a root field. Rejects for defects only. */
  call(field: SourceField, args: Arguments): Promise<CallAnswer> {
    let http: HttpRequest;
    try {
      http = this.#source.toRequest(field)(args);
    } catch (error) {
      // Values may be nested too deep.
      if (!(error instanceof ArgumentError || error instanceof RangeError)) throw error;
      const reason = `The arguments of \`${field.name}\` are nested too deep.`;
      const message = error instanceof ArgumentError ? error.message : reason;
      return Promise.resolve(failed({ message, extensions: { code: 'BAD_USER_INPUT' } }));
    }
    if (http.method !== 'GET') return this.#send(field, http);
    const key = JSON.stringify([field.name, http.path, http.headers]);
    let answer = this.#known.get(key);
    if (answer === undefined) this.#known.set(key, (answer = this.#send(field, http)));
    return answer;
  }

  /** Why no call has an answer, if so: all have failed without one. */
  get outage(): TransportError | undefined {
    return this.#answered ? undefined : this.#failed;
  }

  /** The status of the whole: that of a failure of the source if no call went well. */
  get status(): number {
    const statuses = this.responses.map(({ status }) => status);
    return statuses.length > 0 && statuses.every((each) => each >= 500) ? statuses[0]! : 200;
  }

  async #send(field: SourceField, http: HttpRequest): Promise<CallAnswer> {
    const { operation, variables, caller } = this.#request;
    const without = ({ message, code }: TransportError) => failed({ message, extensions: { code } });
    if (++this.#count > mostCalls) return without(new TransportError(operation.subgraph, 'over-limit'));
    if (this.#active >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active++;
    try {
      const response = await this.#next({ operation, variables, caller, http });
      this.#answered = true;
      this.responses.push(response);
      const read = readAnswer(field, response, operation.subgraph);
      if (!('json' in read)) return failed(read, response.status);
      // That an entity does not exist may be cached, too, as long as the source allows.
      const policy = this.#opened.policyOf({ ...response, status: 200 });
      return { type: field.namedType, json: read.json, policy, status: response.status };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#failed ??= error;
      return without(error);
    } finally {
      const first = this.#waiting.shift();
      if (first === undefined) this.#active--;
      else first();
    }
  }
}

/** How many calls are in flight for one request. */
const atOnce = 4;
/** How many calls one request may need: a list can have any number of objects with `@from`, or entities without a list lookup. */
const mostCalls = 1_000;

function readAnswer(
  { http, isLookup }: SourceField,
  response: SubgraphResponse,
  subgraph: string,
): { readonly json: ExactJson } | Failure {
  const { status, body } = response;
  if (isLookup && absent.has(status)) return { json: null };
  if (status < 200 || status >= 300) return refusal(response, subgraph);
  if (http!.result === 'success') return { json: true };
  if (body.length === 0) return { json: null };
  if (!isUtf8(body)) return malformed(subgraph, 'a body that is not UTF-8');
  const text = body.toString();
  if (http!.result === 'text') return { json: exactString(text) };
  try {
    return { json: text.trim() === '' ? null : readJson(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return malformed(subgraph, 'a body that is not JSON');
    throw error;
  }
}

/** Statuses of what does not exist. */
const absent = new Set([404, 410]);

/** With the text of the body if the source refuses the request, for which the client may be the cause. */
function refusal({ status, headers, body }: SubgraphResponse, subgraph: string): Failure {
  const isText = /^(?:text\/plain|application\/(?:[\w.+-]+\+)?json)\b/i.test(String(headers['content-type']));
  const isShown = status >= 400 && status < 500 && isText && body.length > 0;
  const text = isShown ? body.subarray(0, longestText).toString() : undefined;
  const code = 'SUBREQUEST_HTTP_ERROR';
  const message = errors[code].message({ subgraph, status });
  return { message, extensions: { code, http: { status, ...(text !== undefined && { body: text }) } } };
}

/** In bytes. */
const longestText = 512;
