/** The calls of a source for one request of the gateway. */
import { isUtf8 } from 'node:buffer';
import type { SourceField } from '../../../../schema/supergraph/sources/source-schema';
import { noStore, type Policy } from '../../../cache/policy';
import { errors } from '../../../errors';
import { type ExactJson, exactString, readJson } from '../../../replay/exact-json';
import { conclude } from '../../contract/pending-answer';
import {
  type HttpRequest,
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import { type Failure, malformed } from './answer';
import { ArgumentError, type Arguments } from '../inputs';
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

/** Takes an answer, maybe at once. */
export type Take = (answer: CallAnswer) => void;

export const failed = (failure: Failure, status?: number): CallAnswer => ({
  ...{ type: '', json: null, failure, policy: noStore },
  ...(status !== undefined && { status }),
});

interface Call {
  readonly field: SourceField;
  readonly http: HttpRequest;
  readonly takes: Take[];
  answer: CallAnswer | undefined;
}

/** Makes each different GET once, some at a time. */
export class Calls {
  readonly responses: SubgraphResponse[] = [];
  readonly #source: RestSource;
  readonly #request: SubgraphRequest;
  readonly #next: Send;
  readonly #known = new Map<string, Call>();
  readonly #waiting: Call[] = [];
  #active = 0;
  #count = 0;
  #failed: TransportError | undefined;
  /** That of the calls which are too many. */
  #refusal: CallAnswer | undefined;
  #defect: { readonly error: unknown } | undefined;
  #onSettled: (() => void) | undefined;

  constructor(source: RestSource, request: SubgraphRequest, next: Send) {
    this.#source = source;
    this.#request = request;
    this.#next = next;
  }

  /** Calls the operation of a root field. */
  call(field: SourceField, args: Arguments, take: Take): void {
    let http: HttpRequest;
    try {
      http = this.#source.toRequest(field)(args);
    } catch (error) {
      // Values may be nested too deep.
      if (!(error instanceof ArgumentError || error instanceof RangeError)) throw error;
      const reason = `The arguments of \`${field.name}\` are nested too deep.`;
      const message = error instanceof ArgumentError ? error.message : reason;
      take(failed({ message, extensions: { code: 'BAD_USER_INPUT' } }));
      return;
    }
    const key = `${field.name}${http.path}${JSON.stringify(http.headers)}`;
    const known = http.method === 'GET' ? this.#known.get(key) : undefined;
    if (known !== undefined) {
      if (known.answer === undefined) known.takes.push(take);
      else take(known.answer);
    } else if (++this.#count > mostCalls)
      take(
        (this.#refusal ??= withoutResponse(new TransportError(this.#source.opened.subgraph, 'over-limit'))),
      );
    else {
      const call = { field, http, takes: [take], answer: undefined };
      if (http.method === 'GET') this.#known.set(key, call);
      if (this.#active < atOnce) this.#send(call);
      else this.#waiting.push(call);
    }
  }

  /** Resolves when all are answered. Rejects for defects only. */
  async settled(): Promise<void> {
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#onSettled = resolve));
    if (this.#defect !== undefined) throw this.#defect.error;
  }

  /** Why no call has an answer, if so: all have failed without one. */
  get outage(): TransportError | undefined {
    return this.responses.length === 0 ? this.#failed : undefined;
  }

  /** The status of the whole: that of a failure of the source if no call went well. */
  get status(): number {
    const statuses = this.responses.map(({ status }) => status);
    return statuses.length > 0 && statuses.every((each) => each >= 500) ? statuses[0]! : 200;
  }

  #send(call: Call): void {
    const { operation, variables, caller } = this.#request;
    const sent = this.#next({ operation, variables, caller, http: call.http });
    this.#active++;
    conclude(
      sent,
      this,
      (response, own) => own.#close(call, () => own.#read(call.field, response)),
      (error, own) =>
        own.#close(call, () => {
          if (!(error instanceof TransportError)) throw error;
          own.#failed ??= error;
          return withoutResponse(error);
        }),
    );
  }

  #close(call: Call, answer: () => CallAnswer): void {
    try {
      call.answer = answer();
      for (const take of call.takes) take(call.answer);
      const next = this.#waiting.shift();
      if (next !== undefined) this.#send(next);
    } catch (error) {
      this.#defect ??= { error };
    }
    if (--this.#active === 0) this.#onSettled?.();
  }

  #read(field: SourceField, response: SubgraphResponse): CallAnswer {
    this.responses.push(response);
    const { status } = response;
    const read = readAnswer(field, response, this.#source.opened.subgraph);
    if (!('json' in read)) return failed(read, status);
    // That an entity does not exist may be cached, too, as long as the source allows.
    const policy = this.#source.opened.policyOf({ ...response, status: 200 });
    return { type: field.namedType, json: read.json, policy, status };
  }
}

/** How many calls are in flight for one request. */
const atOnce = 4;
/** How many calls one request may need: a list can have any number of objects with `@from`, or entities without a list lookup. */
const mostCalls = 1_000;

const withoutResponse = ({ message, code }: TransportError): CallAnswer =>
  failed({ message, extensions: { code } });

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
