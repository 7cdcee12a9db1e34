/** The calls of the API for one request of a graph, and what becomes of their answers. */
import { noStore, type Policy } from '../../../cache/policy';
import { type ExactJson, type ExactObject, writeExactJson } from '../../../replay/exact-json';
import {
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import type { OpenedSource } from '../source-executor';
import { readAnswer, sortErrors, type SourceError, unreadable } from './answers';
import { identityOf, type ListLookup } from './entity-selection';
import type { RootCall } from './forms';
import { matchItems } from './list-items';
import { aliasOf, type UpstreamOperations, variableOf } from './upstream-operations';
import { type Target, Values } from './values';

/** A root field in an operation. */
interface Slot {
  readonly call: RootCall;
  /** The arguments; those of a list without its keys. */
  readonly values: readonly ExactJson[];
  readonly targets: Target[];
  readonly list: { readonly lookup: ListLookup; readonly keys: Map<string, ListKey> } | undefined;
}

interface ListKey {
  readonly value: ExactJson;
  readonly targets: Target[];
}

/** Why a call has no answer. */
type CallFailure = { readonly error: unknown } | { readonly response: SubgraphResponse };

export interface RunOptions {
  readonly next: Send;
  readonly request: SubgraphRequest;
  readonly source: OpenedSource;
  readonly operations: UpstreamOperations;
  /** The variables of the request, which may have some that the operation does not use. */
  readonly variables: ExactObject;
}

export class SourceRun {
  readonly values: Values;
  readonly responses: SubgraphResponse[] = [];
  /** Errors of nothing that was requested. */
  readonly loose: unknown[] = [];
  /** Of the first call without an answer; undefined once there is an answer. */
  failure: CallFailure | undefined;
  readonly #options: RunOptions;
  /** Those of the next round. */
  #slots = new Map<string, Slot>();
  #isAnswered = false;
  #sent = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.values = new Values(options.source.schema.types, (...args) => this.#call(...args));
  }

  get isDone(): boolean {
    return this.#slots.size === 0;
  }

  /** Calls what was requested, and what the answers request, round by round. */
  async finish(): Promise<void> {
    while (this.#slots.size > 0) {
      const slots = [...this.#slots.values()];
      this.#slots = new Map();
      const chunks: Slot[][] = [];
      for (let i = 0; i < slots.length; i += mostCalls) chunks.push(slots.slice(i, i + mostCalls));
      await this.#sendAll(chunks, false);
    }
  }

  /** A few at a time: other requests wait for the source, too. */
  async #sendAll(chunks: readonly (readonly Slot[])[], isAgain: boolean): Promise<void> {
    const left = chunks.values();
    const sendRest = async (): Promise<void> => {
      for (const chunk of left) await this.#send(chunk, isAgain);
    };
    await Promise.all(Array.from(chunks.slice(0, mostAtOnce), sendRest));
  }

  /** The variables of an operation. */
  write(slots: readonly Slot[], used: readonly string[]): Buffer {
    const variables: [name: string, value: ExactJson][] = [];
    for (const [n, { values, list }] of slots.entries()) {
      const all =
        list === undefined ? values : [Array.from(list.keys.values(), ({ value }) => value), ...values];
      all.forEach((value, i) => variables.push([variableOf(n, i), value]));
    }
    const { variables: given } = this.#options;
    for (const name of used) if (Object.hasOwn(given, name)) variables.push([name, given[name]!]);
    return variables.length === 0 ? noVariables : Buffer.from(writeExactJson(Object.fromEntries(variables)));
  }

  /** Requests a call in the next round. Returns false where a part of its arguments is missing. */
  #call(call: RootCall, object: ExactObject, target: Target, list?: ListLookup): boolean {
    const key = list?.keyOf(object) ?? null;
    if (list !== undefined && key === null) return false;
    const values: ExactJson[] = [];
    for (const [i, { toArgument, isRequired }] of call.arguments.entries()) {
      if (i === 0 && list !== undefined) continue;
      const value = toArgument(object);
      if (value === undefined || (value === null && isRequired)) return false;
      values.push(value);
    }
    const id = values.length === 0 ? String(call.number) : JSON.stringify([call.number, values]);
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { call, values, targets: [], list: list && { lookup: list, keys: new Map() } };
      this.#slots.set(id, slot);
    }
    if (slot.list === undefined) slot.targets.push(target);
    else {
      const identity = identityOf(key);
      const known = slot.list.keys.get(identity);
      if (known === undefined) slot.list.keys.set(identity, { value: key, targets: [target] });
      else known.targets.push(target);
    }
    return true;
  }

  async #send(slots: readonly Slot[], isAgain: boolean): Promise<void> {
    const { next, request: given, source, operations } = this.#options;
    const { request, variables } = operations.of(slots.map(({ call }) => call));
    let response: SubgraphResponse;
    try {
      if (++this.#sent > mostOperations) throw new TransportError(source.subgraph, 'over-limit');
      response = await next({
        operation: { ...given.operation, ...request },
        variables: this.write(slots, variables),
        caller: given.caller,
      });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#fail(slots, { error }, [{ message: error.message, extensions: { code: error.code } }]);
      return;
    }
    const answer = readAnswer(response.body.toString());
    if (answer === undefined || (answer.data == null && answer.errors.length === 0)) {
      this.#fail(slots, { response }, [unreadable(source.subgraph, response.status)]);
      return;
    }
    this.responses.push(response);
    const { data, errors: all } = answer;
    const [ofSlots, others] = sortErrors(all, slots.length);
    if (data == null && ofSlots.every((errors) => errors.length === 0)) {
      this.#fail(
        slots,
        { response },
        all.map(({ path: _, ...error }) => error),
      );
      return;
    }
    this.#isAnswered = true;
    this.failure = undefined;
    this.loose.push(...others);
    const policy = source.policyOf(response);
    const again: Slot[] = [];
    for (const [n, slot] of slots.entries()) {
      const errors = ofSlots[n]!;
      const value = data === null ? null : data?.[aliasOf(n)];
      const isLost = value === null && !isAgain;
      // Of errors below it, none needs to be the one that has made all of the answer null.
      const isOther = errors.length === 0 || (slots.length > 1 && !errors.some(isOfRoot));
      if (isLost && isOther && data === null) again.push(...singlesOf(slot));
      // Which item failed is not known: lists have an order of their own.
      else if (isLost && slot.list !== undefined && errors.some(isOfItem)) again.push(...singlesOf(slot));
      else if (value === undefined)
        deliver(slot, null, [unreadable(source.subgraph, response.status)], noStore);
      else if (slot.list !== undefined && value !== null)
        this.#deliverItems(slot.list, value, errors, policy);
      else deliver(slot, value, slot.list === undefined ? errors : errors.map(withoutItem), policy);
    }
    if (again.length > 0)
      await this.#sendAll(
        again.map((slot) => [slot]),
        true,
      );
  }

  /** Gives each key of a list lookup its item. One without an item is null. */
  #deliverItems(
    { lookup, keys }: NonNullable<Slot['list']>,
    value: ExactJson,
    errors: readonly SourceError[],
    policy: Policy,
  ): void {
    const matched = matchItems(lookup, [...keys.keys()], value, errors);
    const error = unreadable(this.#options.source.subgraph, 200);
    for (const [key, { targets }] of keys) {
      const match = matched === undefined ? { item: null, errors: [error] } : matched.get(key)!;
      take(targets, match.item, match.errors, matched === undefined ? noStore : policy);
    }
  }

  #fail(slots: readonly Slot[], failure: CallFailure, errors: readonly SourceError[]): void {
    if (!this.#isAnswered) this.failure ??= failure;
    for (const slot of slots) deliver(slot, null, errors, noStore);
  }
}

const noVariables = Buffer.alloc(0);

/** Root fields in one operation. Servers refuse many aliases. */
const mostCalls = 15;

/** Of one request. */
const mostOperations = 1_000;
const mostAtOnce = 10;

const isOfRoot = ({ path = [] }: SourceError): boolean => path.length === 0;

const isOfItem = ({ path }: SourceError): boolean => typeof path?.[0] === 'number';

function deliver(
  { targets, list }: Slot,
  value: ExactJson,
  errors: readonly SourceError[],
  policy: Policy,
): void {
  take(targets, value, errors, policy);
  for (const key of list?.keys.values() ?? []) take(key.targets, value, errors, policy);
}

/** Each target changes the objects of its value. */
function take(
  targets: readonly Target[],
  value: ExactJson,
  errors: readonly SourceError[],
  policy: Policy,
): void {
  const copies = targets.map((_, i) =>
    i === 0 || typeof value !== 'object' ? value : (JSON.parse(JSON.stringify(value)) as ExactJson),
  );
  for (const [i, target] of targets.entries()) target.take(copies[i]!, errors, policy);
}

/** The same, each key alone. */
const singlesOf = (slot: Slot): Slot[] =>
  slot.list === undefined
    ? [slot]
    : Array.from(slot.list.keys, (key) => ({
        ...slot,
        list: { lookup: slot.list!.lookup, keys: new Map([key]) },
      }));

/** An error of an item, as one of the entity that it is. */
const withoutItem = (error: SourceError): SourceError =>
  isOfItem(error) ? { ...error, path: error.path!.slice(1) } : error;
