/** The calls of the API for one request of a graph, and what becomes of their answers. */
import { errors as errorTable } from '../../../errors';
import { noStore, type Policy, strictest } from '../../../cache/policy';
import {
  type ExactJson,
  type ExactObject,
  parseExactJson,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';
import {
  type Send,
  type SubgraphRequest,
  type SubgraphResponse,
  TransportError,
} from '../../contract/transport';
import { JsonParts } from '../../wire/json-parts';
import type { OpenedSource } from '../source-executor';
import type { ListLookup } from './compile-entities';
import { type Form, type MadeField, noForm, pathOf, type RootCall, type ValueForm } from './forms';
import { Hole, nullJson, ObjectPiece, type Piece } from './pieces';
import { aliasOf, type UpstreamOperations, variableOf } from './upstream-operations';

/** An error without its position. */
export interface SourceError {
  readonly message?: unknown;
  readonly extensions?: unknown;
  readonly path?: readonly unknown[] | undefined;
}

/** An entity, or the data of root fields: collects what is wrong in it, and how long it may be kept. */
export class Owner {
  readonly errors: SourceError[] = [];
  policy: Policy | undefined;

  add(errors: readonly SourceError[], at: Path, form: Form): void {
    for (const error of errors)
      this.errors.push({ ...error, path: [...at, ...pathOf(error.path ?? [], form)] });
  }

  keep(policy: Policy): void {
    this.policy = this.policy === undefined ? policy : strictest(this.policy, policy);
  }
}

export type Path = readonly (string | number)[];

/** What waits for the answer of a call. */
export interface Target {
  /** @param value undefined where conditions leave it out @param errors their paths begin below the value */
  take(value: Buffer | undefined, errors: readonly SourceError[], policy: Policy): void;
}

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

interface GraphQLAnswer {
  /** Undefined where there is none. */
  data: ReadonlyMap<string, Buffer> | null | undefined;
  errors: readonly SourceError[];
}

export class SourceRun {
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

  /**
   * The value of an answer as the request has it.
   *
   * @param hasNumbers whether IDs in it may be numbers
   * @param needs gets the members that are left out
   */
  valueOf(
    bytes: Buffer,
    form: Form,
    at: Path,
    owner: Owner,
    hasNumbers: boolean,
    needs = new Map<string, Buffer>(),
  ): Piece {
    if (!form.isChanged && (!hasNumbers || form === noForm)) return bytes;
    const parts = new JsonParts(bytes);
    if (parts.isList)
      return parts.list().map((item, i) => this.valueOf(item, form, [...at, i], owner, hasNumbers));
    if (!parts.isObject) return bytes;
    const object = new ObjectPiece();
    let [start, end, hasComma] = [1, 1, false];
    parts.object((name) => {
      const value = parts.value();
      const member = form.members.get(name);
      const valueEnd = value.byteOffset - bytes.byteOffset + value.length;
      if (member !== undefined) {
        object.copy(bytes.subarray(start, end), hasComma);
        [start, hasComma] = [valueEnd, true];
        if (member.kind === 'need') needs.set(name, value);
        else if (member.kind === 'object')
          object.add(name, this.valueOf(value, member.form, [...at, name], owner, hasNumbers));
        else if (member.kind === 'id') object.add(name, textOf(value));
        else object.add(name, this.#typename(value));
      }
      end = valueEnd;
    });
    object.copy(bytes.subarray(start, end), hasComma);
    for (const made of form.made) {
      const values: [string, ExactJson][] = [];
      for (const [alias, name] of made.needs) {
        const value = needs.get(alias);
        if (value !== undefined) values.push([name, parseExactJson(value.toString())]);
      }
      // Conditions leave out all of them.
      if (values.length > 0) this.#make(made.field, Object.fromEntries(values), object, at, owner);
    }
    return object;
  }

  /** What is requested of an object of which there are values. */
  objectOf(value: ExactObject, form: ValueForm, at: Path, owner: Owner): ObjectPiece {
    const object = new ObjectPiece();
    this.addTo(object, value, form, at, owner);
    return object;
  }

  addTo(object: ObjectPiece, value: ExactObject, form: ValueForm, at: Path, owner: Owner): void {
    for (const member of form.members) {
      if (member.kind === 'link' || member.kind === 'call') this.#make(member, value, object, at, owner);
      else if (member.kind === 'typename') object.add(member.key, Buffer.from(JSON.stringify(form.typename)));
      else {
        const given = value[member.name];
        if (given === undefined) continue;
        const below = member.form;
        const piece = (each: ExactJson, path: Path): Piece =>
          Array.isArray(each)
            ? each.map((item: ExactJson, i) => piece(item, [...path, i]))
            : below !== undefined && typeOf(each) === 'object'
              ? this.objectOf(each as ExactObject, below, path, owner)
              : Buffer.from(
                  member.isId && typeOf(each) === 'number'
                    ? JSON.stringify((each as string).slice(1))
                    : writeExactJson(each),
                );
        object.add(member.key, piece(given, [...at, member.key]));
      }
    }
  }

  #make(field: MadeField, value: ExactObject, object: ObjectPiece, around: Path, owner: Owner): void {
    const at = [...around, field.key];
    if (field.kind === 'link') {
      const link = (made: ExactJson | undefined, path: Path): Piece => {
        if (Array.isArray(made)) return made.map((each: ExactJson, i) => link(each, [...path, i]));
        if (
          made === undefined ||
          typeOf(made) !== 'object' ||
          Object.values(made as ExactObject).includes(null)
        )
          return nullJson;
        return this.objectOf(made as ExactObject, field.form, path, owner);
      };
      object.add(field.key, link(field.evaluate(value) as ExactJson | undefined, at));
      return;
    }
    const { call } = field;
    const { form } = call.selection;
    const hole = new Hole();
    const isCalled = this.call(call, value, {
      take: (answer, errors, policy) => {
        owner.add(errors, at, form);
        owner.keep(policy);
        if (answer !== undefined)
          hole.value = this.valueOf(answer, form, at, owner, hasNumbers(answer, call));
        else if (errors.length > 0) hole.value = nullJson;
      },
    });
    object.add(field.key, isCalled ? hole : nullJson);
  }

  #typename(value: Buffer): Buffer {
    const name = value.toString('latin1').slice(1, -1);
    const graphName = this.#source.schema.types.get(name)?.graphName ?? name;
    return graphName === name ? value : Buffer.from(`"${graphName}"`);
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
      if (isLost && errors.length === 0 && answer.data === null) again.push(...singlesOf(slot, () => false));
      else if (isLost && slot.list !== undefined && errors.some(isOfItem)) {
        const failed = new Map<number, SourceError[]>();
        for (const error of errors) {
          const [i, ...path] = error.path as [number];
          failed.set(i, [...(failed.get(i) ?? []), { ...error, path }]);
        }
        [...slot.list.keys.values()].forEach((targets, i) => {
          const own = failed.get(i);
          if (own !== undefined) for (const target of targets) target.take(nullJson, own, noStore);
        });
        again.push(...singlesOf(slot, (i) => failed.has(i)));
      } else if (value === undefined && slot.call.directives.length === 0)
        deliver(slot, nullJson, [unreadable(this.#source.subgraph, response.status)], noStore);
      else if (slot.list !== undefined && value !== undefined && !value.equals(nullJson))
        this.#deliverItems(slot.list, value, errors, policy);
      else deliver(slot, value, errors, policy);
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
    const parts = new JsonParts(value);
    const items = parts.isList ? parts.list() : [];
    const requested = [...keys.keys()];
    const isInOrder = items.length === requested.length;
    if (lookup.members === undefined && !isInOrder) {
      const error = unreadable(this.#source.subgraph, 200);
      for (const targets of keys.values()) for (const each of targets) each.take(nullJson, [error], noStore);
      return;
    }
    const found = new Map<string, number>();
    const keyOfItem = items.map((item, i) => {
      const key = lookup.members === undefined ? requested[i] : keyIn(item, lookup.members, lookup);
      if (key !== undefined && !found.has(key)) found.set(key, i);
      return key;
    });
    const unanswered = requested.filter((key) => !found.has(key));
    const ofKeys = new Map<string, SourceError[]>();
    for (const error of errors) {
      const [i, ...path] = error.path ?? [];
      const key = keyOfItem[i as number];
      const byPosition = isInOrder && unanswered.includes(requested[i as number]!);
      // An item without a key may be any that is missing: none is null without an error.
      for (const each of key !== undefined ? [key] : byPosition ? [requested[i as number]!] : unanswered)
        ofKeys.set(each, [...(ofKeys.get(each) ?? []), { ...error, path }]);
    }
    for (const [key, targets] of keys) {
      const item = found.get(key);
      for (const target of targets)
        target.take(item === undefined ? nullJson : items[item], ofKeys.get(key) ?? [], policy);
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

/** Whether IDs in an answer are numbers. */
export function hasNumbers(answer: Buffer, { selection: { uses } }: Pick<RootCall, 'selection'>): boolean {
  return hasNumericIds(answer, uses.ids);
}

export function hasNumericIds(answer: Buffer, ids: ReadonlySet<string>): boolean {
  for (const id of ids) {
    const name = `"${id}"`;
    for (let at = answer.indexOf(name); at !== -1; at = answer.indexOf(name, at)) {
      at += name.length;
      // White space, a colon, and of lists a bracket.
      while (' :\n\r\t['.includes(String.fromCharCode(answer[at] ?? 0))) at++;
      const byte = answer[at] ?? 0;
      if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return true;
    }
  }
  return false;
}

/** Numbers as text, also in lists. */
function textOf(value: Buffer): Piece {
  const [first = 0] = value;
  if (first === 0x5b) return new JsonParts(value).list().map(textOf);
  return first === 0x2d || (first >= 0x30 && first <= 0x39) ? Buffer.from(`"${value.toString()}"`) : value;
}

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
const singlesOf = (slot: Slot, isLeftOut: (i: number) => boolean): Slot[] =>
  slot.list === undefined
    ? [slot]
    : [...slot.list.keys].flatMap(([key, targets], i) =>
        isLeftOut(i)
          ? []
          : [{ ...slot, list: { lookup: slot.list!.lookup, keys: new Map([[key, targets]]) } }],
      );

/** The key of an item of a list, as JSON; undefined where it is no object. */
function keyIn(
  item: Buffer,
  members: ReadonlyMap<string, string>,
  { keyOf }: ListLookup,
): string | undefined {
  const parts = new JsonParts(item);
  if (!parts.isObject) return undefined;
  const values: Record<string, ExactJson> = {};
  let missing = members.size;
  parts.object((name) => {
    const value = parts.value();
    const field = members.get(name);
    if (field === undefined) return true;
    values[field] = parseExactJson(value.toString());
    return --missing > 0;
  });
  return keyOf(values);
}

/** Undefined for what is no answer in GraphQL. */
export function readAnswer(body: Buffer): GraphQLAnswer | undefined {
  const answer: GraphQLAnswer = { data: undefined, errors: [] };
  const parts = new JsonParts(body);
  try {
    parts.object((name) => {
      if (name === 'data' && parts.isObject) {
        const data = new Map<string, Buffer>();
        parts.object((key) => {
          data.set(key, parts.value());
        });
        answer.data = data;
      } else {
        const value = parts.value();
        if (name === 'data' && value.equals(nullJson)) answer.data = null;
        if (name !== 'errors') return;
        const errors = JSON.parse(value.toString()) as unknown;
        if (Array.isArray(errors))
          answer.errors = errors.filter((each) => typeof each === 'object' && each !== null) as SourceError[];
      }
    });
    parts.end();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return answer;
}

/** Errors by their slots, with paths below the slot, and those of none. */
function sortErrors(
  errors: readonly SourceError[],
  count: number,
): readonly [ofSlots: readonly SourceError[][], others: readonly SourceError[]] {
  const ofSlots = Array.from({ length: count }, (): SourceError[] => []);
  const others: SourceError[] = [];
  for (const error of errors) {
    const [alias, ...path] = Array.isArray(error.path) ? (error.path as readonly unknown[]) : [];
    const slot = typeof alias === 'string' ? ofSlots[Number(alias.slice(1))] : undefined;
    if (slot === undefined) others.push(error);
    else slot.push({ ...error, path });
  }
  return [ofSlots, others];
}

/** The error of a call whose response cannot be used. */
function unreadable(subgraph: string, status: number): SourceError {
  const isError = status < 200 || status >= 300;
  const code = isError ? 'SUBREQUEST_HTTP_ERROR' : 'SUBREQUEST_MALFORMED_RESPONSE';
  const message = isError
    ? errorTable.SUBREQUEST_HTTP_ERROR.message({ subgraph, status })
    : errorTable.SUBREQUEST_MALFORMED_RESPONSE.message({
        subgraph,
        reason: 'it has not what was requested',
      });
  return { message, extensions: { code, ...(isError && { http: { status } }) } };
}
