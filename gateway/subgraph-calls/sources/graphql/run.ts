/** The calls of the API for one request of a graph, and what becomes of their answers. */
import { noStore, type Policy } from '../../../cache/policy';
import type { ExactObject } from '../../../replay/exact-json';
import {
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import { JsonParts } from '../../wire/json-parts';
import type { OpenedSource } from '../source-executor';
import { readAnswer, sortErrors, type SourceError, unreadable } from './answers';
import type { ListLookup } from './compile-entities';
import type { RootCall } from './forms';
import { matchItems } from './list-items';
import { nullJson } from './pieces';
import { aliasOf, type UpstreamOperations, variableOf } from './upstream-operations';
import { type Target, Values } from './values';

/** A root field in an operation. */
interface Slot {
  readonly call: RootCall;
  /** The arguments, as JSON; those of a list without its keys. */
  readonly values: readonly string[];
  readonly targets: Target[];
  readonly list: { readonly lookup: ListLookup; readonly keys: Map<string, Target[]> } | undefined;
}

/** Why a call has no answer. */
type CallFailure = { readonly error: unknown } | { readonly response: SubgraphResponse };

export class SourceRun {
  readonly values: Values;
  readonly responses: SubgraphResponse[] = [];
  /** Errors of nothing that was requested. */
  readonly loose: unknown[] = [];
  /** Of the first call without an answer; undefined once there is an answer. */
  failure: CallFailure | undefined;
  readonly #next: Send;
  readonly #request: SubgraphRequest;
  readonly #source: OpenedSource;
  readonly #operations: UpstreamOperations;
  /** Those of the next round. */
  #slots = new Map<string, Slot>();
  #variables: Map<string, Buffer> | undefined;
  #isAnswered = false;

  constructor(next: Send, request: SubgraphRequest, source: OpenedSource, operations: UpstreamOperations) {
    this.#next = next;
    this.#request = request;
    this.#source = source;
    this.#operations = operations;
    this.values = new Values(source, (call, value, target) => this.call(call, value, target));
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
      await Promise.all(chunks.map((chunk) => this.#send(chunk, false)));
    }
  }

  /** Requests a call in the next round. Returns false where a part of its arguments is missing. */
  call(call: RootCall, value: ExactObject, target: Target, list?: ListLookup): boolean {
    const args = list === undefined ? call.arguments : call.arguments.slice(1);
    const key = list?.keyOf(value);
    if (list !== undefined && (key === undefined || key === 'null')) return false;
    const values: string[] = [];
    for (const { toArgument, isRequired } of args) {
      const json = toArgument(value);
      if (json === undefined || (json === 'null' && isRequired)) return false;
      values.push(json);
    }
    const id = `${call.number} ${values.join()}`;
    let slot = this.#slots.get(id);
    if (slot === undefined)
      this.#slots.set(
        id,
        (slot = { call, values, targets: [], list: list && { lookup: list, keys: new Map() } }),
      );
    const targets = slot.list === undefined ? slot.targets : slot.list.keys.get(key!);
    if (targets === undefined) slot.list!.keys.set(key!, [target]);
    else targets.push(target);
    return true;
  }

  async #send(slots: readonly Slot[], isAgain: boolean): Promise<void> {
    const { request, variables } = this.#operations.of(slots.map(({ call }) => call));
    const operation = { ...this.#request.operation, ...request };
    let response: SubgraphResponse;
    try {
      response = await this.#next({
        operation,
        variables: this.write(slots, variables),
        caller: this.#request.caller,
      });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      this.#fail(slots, { error }, [{ message: error.message, extensions: { code: error.code } }]);
      return;
    }
    const answer = readAnswer(response.body);
    if (answer === undefined || (answer.data == null && answer.errors.length === 0)) {
      this.#fail(slots, { response }, [unreadable(this.#source.subgraph, response.status)]);
      return;
    }
    this.responses.push(response);
    const [ofSlots, others] = sortErrors(answer.errors, slots.length);
    if (answer.data == null && ofSlots.every((errors) => errors.length === 0)) {
      this.#fail(
        slots,
        { response },
        answer.errors.map(({ path: _, ...error }) => error),
      );
      return;
    }
    this.#isAnswered = true;
    this.failure = undefined;
    this.loose.push(...others);
    const policy = this.#source.policyOf(response);
    const again: Slot[] = [];
    for (const [n, slot] of slots.entries()) {
      const errors = ofSlots[n]!;
      const value = answer.data?.get(aliasOf(n)) ?? (answer.data === null ? nullJson : undefined);
      const isLost = value?.equals(nullJson) === true && !isAgain;
      // Of errors below it, none needs to be the one that has made all of the answer null.
      const isOther = errors.length === 0 || (slots.length > 1 && !errors.some(isOfRoot));
      if (isLost && isOther && answer.data === null) again.push(...singlesOf(slot));
      // Which item failed is not known: lists have an order of their own.
      else if (isLost && slot.list !== undefined && errors.some(isOfItem)) again.push(...singlesOf(slot));
      else if (value === undefined && slot.call.directives.length === 0)
        deliver(slot, nullJson, [unreadable(this.#source.subgraph, response.status)], noStore);
      else if (slot.list !== undefined && value !== undefined && !value.equals(nullJson))
        this.#deliverItems(slot.list, value, errors, policy);
      else deliver(slot, value, slot.list === undefined ? errors : errors.map(withoutItem), policy);
    }
    await Promise.all(again.map((slot) => this.#send([slot], true)));
  }

  /** Gives each key of a list lookup its item. One without an item is null. */
  #deliverItems(
    { lookup, keys }: NonNullable<Slot['list']>,
    value: Buffer,
    errors: readonly SourceError[],
    policy: Policy,
  ): void {
    const matched = matchItems(lookup, [...keys.keys()], value, errors);
    const error = unreadable(this.#source.subgraph, 200);
    for (const [key, targets] of keys) {
      const match = matched === undefined ? { item: nullJson, errors: [error] } : matched.get(key)!;
      for (const target of targets)
        target.take(match.item, match.errors, matched === undefined ? noStore : policy);
    }
  }

  #fail(slots: readonly Slot[], failure: CallFailure, errors: readonly SourceError[]): void {
    if (!this.#isAnswered) this.failure ??= failure;
    for (const slot of slots) deliver(slot, nullJson, errors, noStore);
  }

  /** The variables of an operation. */
  write(slots: readonly Slot[], used: readonly string[]): Buffer {
    const members: string[] = [];
    for (const [n, { values, list }] of slots.entries()) {
      const all = list === undefined ? values : [`[${[...list.keys.keys()].join()}]`, ...values];
      all.forEach((json, i) => members.push(`"${variableOf(n, i)}":${json}`));
    }
    for (const name of used) {
      const value = this.#given().get(name);
      if (value !== undefined) members.push(`"${name}":${value.toString()}`);
    }
    return members.length === 0 ? noVariables : Buffer.from(`{${members.join()}}`);
  }

  /** The variables of the request, which may have some that the operation does not use. */
  #given(): ReadonlyMap<string, Buffer> {
    if (this.#variables !== undefined) return this.#variables;
    const variables = new Map<string, Buffer>();
    const { variables: bytes } = this.#request;
    if (bytes.length > 0) {
      const parts = new JsonParts(bytes);
      parts.object((name) => {
        variables.set(name, parts.value());
      });
    }
    return (this.#variables = variables);
  }
}

const noVariables = Buffer.alloc(0);

/** Root fields in one operation. Servers refuse many aliases. */
const mostCalls = 15;

const isOfRoot = ({ path = [] }: SourceError): boolean => path.length === 0;

const isOfItem = ({ path }: SourceError): boolean => typeof path?.[0] === 'number';

function deliver(
  { targets, list }: Slot,
  value: Buffer | undefined,
  errors: readonly SourceError[],
  policy: Policy,
): void {
  for (const target of targets) target.take(value, errors, policy);
  for (const all of list?.keys.values() ?? []) for (const target of all) target.take(value, errors, policy);
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
