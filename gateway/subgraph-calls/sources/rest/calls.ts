/** The calls of a source for one request of the gateway. */
import { isUtf8 } from 'node:buffer';
import { Kind, type TypeNode } from 'graphql';
import type { SourceField } from '../../../../schema/supergraph/sources/source-schema';
import { errors } from '../../../errors';
import { type ExactJson, exactString, readJson } from '../../../replay/exact-json';
import {
  type HttpRequest,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import { ArgumentError, type Arguments } from './inputs';
import { type Failure, malformed } from './projection';
import type { RestSource } from './rest-source';

/** What a call gave: JSON, or why there is none. Without a body, it is null. */
export type CallAnswer = {
  /** The name of the type at the source. */
  readonly type: string;
} & (
  | { readonly json: ExactJson; readonly failure?: undefined; readonly response: SubgraphResponse }
  | { readonly json?: undefined; readonly failure: Failure; readonly response: SubgraphResponse | undefined }
);

/** Makes each different GET once, some at a time. */
export class Calls {
  readonly responses: SubgraphResponse[] = [];
  readonly #source: RestSource;
  readonly #request: SubgraphRequest;
  readonly #next: Send;
  readonly #known = new Map<string, Promise<CallAnswer>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #count = 0;
  #answered = false;
  #failed: TransportError | undefined;

  constructor(source: RestSource, request: SubgraphRequest, next: Send) {
    this.#source = source;
    this.#request = request;
    this.#next = next;
  }

  /** Calls the operation of a root field. Never rejects. */
  call(field: SourceField, args: Arguments): Promise<CallAnswer> {
    let http: HttpRequest;
    try {
      http = this.#source.toRequest(field)(args);
    } catch (error) {
      if (!(error instanceof ArgumentError || error instanceof RangeError)) throw error;
      const message =
        error instanceof ArgumentError
          ? error.message
          : `The arguments of \`${field.name}\` are nested too deep.`;
      const failure = { message, extensions: { code: 'BAD_USER_INPUT' } };
      return Promise.resolve({ type: field.namedType, failure, response: undefined });
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
    const { subgraph } = this.#request.operation;
    const failed = ({ message, code }: TransportError): CallAnswer => ({
      ...{ type: field.namedType, failure: { message, extensions: { code } } },
      response: undefined,
    });
    if (++this.#count > mostCalls) return failed(new TransportError(subgraph, 'over-limit'));
    if (this.#active >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active++;
    try {
      const { operation, variables, caller } = this.#request;
      const response = await this.#next({ operation, variables, caller, http });
      this.#answered = true;
      this.responses.push(response);
      return readAnswer(field, response, subgraph);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#failed ??= error;
      return failed(error);
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

function readAnswer(field: SourceField, response: SubgraphResponse, subgraph: string): CallAnswer {
  const { http, isLookup, namedType: type } = field;
  const { status, body } = response;
  const answered = (json: ExactJson): CallAnswer => ({ type, json, response });
  const failed = (failure: Failure): CallAnswer => ({ type, failure, response });
  if (isLookup && absent.has(status) && !isListType(field.type)) return answered(null);
  if (status < 200 || status >= 300) return failed(refusal(response, subgraph));
  if (http!.result === 'success') return answered(true);
  if (body.length === 0) return answered(null);
  if (!isUtf8(body)) return failed(malformed(subgraph, 'a body that is not UTF-8'));
  const text = body.toString();
  if (http!.result === 'text') return answered(exactString(text));
  if (text.trim() === '') return answered(null);
  try {
    return answered(readJson(text));
  } catch (error) {
    if (error instanceof SyntaxError) return failed(malformed(subgraph, 'a body that is not JSON'));
    throw error;
  }
}

const isListType = (type: TypeNode): boolean =>
  type.kind === Kind.NON_NULL_TYPE ? isListType(type.type) : type.kind === Kind.LIST_TYPE;

/** Statuses of what does not exist. */
export const absent: ReadonlySet<number> = new Set([404, 410]);

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
