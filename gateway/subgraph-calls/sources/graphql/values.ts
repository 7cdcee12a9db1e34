/** Makes what was requested of the answers of a source. */
import type { SourceSchema } from '../../../../schema/supergraph/sources/source-schema';
import { type Policy, strictest } from '../../../cache/policy';
import { type ExactJson, type ExactObject, numberText, typeOf } from '../../../replay/exact-json';
import type { SourceError } from './answers';
import type { EntityLookup, EntityPlan, GivenField, ListLookup } from './entity-selection';
import {
  type Form,
  type LinkField,
  type MadeField,
  noForm,
  pathsOf,
  type RootCall,
  typenameMember,
} from './forms';

/** An entity, or the data of root fields: collects what is wrong in it, and how long it may be kept. */
export class Owner {
  readonly errors: SourceError[] = [];
  policy: Policy | undefined;

  add(errors: readonly SourceError[], at: Position | undefined, form: Form): void {
    for (const error of errors)
      for (const below of pathsOf(error.path ?? [], form)) {
        const path = [...below];
        for (let each = at; each !== undefined; each = each.before) path.unshift(each.key);
        this.errors.push(path.length === 0 ? error : { ...error, path });
      }
  }

  keep(policy: Policy): void {
    this.policy = this.policy === undefined ? policy : strictest(this.policy, policy);
  }
}

export interface Position {
  readonly before: Position | undefined;
  readonly key: string | number;
}

/** What waits for the answer of a call. */
export interface Target {
  /** @param errors their paths begin below the value */
  take(value: ExactJson, errors: readonly SourceError[], policy: Policy): void;
}

/** Requests a call; returns false where a part of its arguments is missing. */
export type RequestCall = (call: RootCall, values: ExactObject, target: Target, list?: ListLookup) => boolean;

/** An object that is being made. Members without a value are left out. */
type Draft = Record<string, ExactJson | undefined>;

export class Values {
  readonly #types: SourceSchema['types'];
  readonly #call: RequestCall;

  constructor(types: SourceSchema['types'], call: RequestCall) {
    this.#types = types;
    this.#call = call;
  }

  /** The value of an answer as the request has it. Changes its objects. */
  valueOf(value: ExactJson, form: Form, at: Position | undefined, owner: Owner): ExactJson {
    if (form === noForm || value === null || typeof value !== 'object') return value;
    if (Array.isArray(value))
      return value.map((item: ExactJson, key) => this.valueOf(item, form, { before: at, key }, owner));
    this.#change(value as Draft, value as ExactObject, form, at, owner);
    return value;
  }

  /**
   * Adds what is requested of an object of which there are values.
   *
   * @param replace called with what the object is instead, where nothing of it is given or made
   */
  add(
    draft: Draft,
    values: ExactObject,
    plan: EntityPlan,
    at: Position,
    owner: Owner,
    replace?: (value: ExactJson) => void,
  ): void {
    const { typename, typenames, given, made, lookups, names, stays } = plan;
    for (const key of typenames) put(draft, key, typename);
    for (const field of given) put(draft, field.key, this.#given(values[field.name], field, at, owner));
    for (const field of made) this.#make(field, values, draft, at, owner);
    if (lookups.length === 0) return;
    const lost = (errors: readonly SourceError[], form: Form): void => {
      if (!stays) {
        owner.add(errors, at, form);
        replace?.(null);
      } else
        for (const key of names) {
          put(draft, key, null);
          owner.add(
            errors.map((error) => ({ ...error, path: [] })),
            { before: at, key },
            noForm,
          );
        }
    };
    const targetOf = ({ call: { form }, typename: expected, without }: EntityLookup): Target => ({
      take: (answer, errors, policy) => {
        owner.keep(policy);
        const isObject = typeOf(answer) === 'object';
        const object = answer as ExactObject;
        if (!isObject || (expected !== undefined && object[typenameMember] !== expected)) {
          lost(errors, form);
          return;
        }
        owner.add(errors, at, form);
        const into = stays ? draft : (object as Draft);
        if (stays) for (const key of Object.keys(object)) put(draft, key, object[key]);
        else {
          for (const key of typenames) put(into, key, typename);
          replace?.(object);
        }
        for (const key of without) put(into, key, null);
        this.#change(into, object, form, at, owner);
      },
    });
    // The first one whose key the values have.
    if (!lookups.some((each) => this.#call(each.call, values, targetOf(each), each.list))) lost([], noForm);
  }

  #change(draft: Draft, value: ExactObject, general: Form, at: Position | undefined, owner: Owner): void {
    const form = general.byType?.get(value[typenameMember] as string) ?? general;
    for (const field of form.made) {
      const values: Draft = {};
      for (const [alias, name] of field.needs) values[name] = value[alias] ?? null;
      this.#make(field, values as ExactObject, draft, at, owner);
    }
    for (const [key, member] of form.members) {
      const given = value[key];
      if (given === undefined) continue;
      if (member === 'id') put(draft, key, textOf(given));
      else if (member === 'typename') put(draft, key, this.#types.get(given as string)?.graphName ?? given);
      else if ('members' in member) put(draft, key, this.valueOf(given, member, { before: at, key }, owner));
      else put(draft, key, undefined);
    }
  }

  #make(
    field: MadeField,
    values: ExactObject,
    draft: Draft,
    around: Position | undefined,
    owner: Owner,
  ): void {
    if (field.kind === 'missing') {
      // Objects are never at the root.
      this.add(draft, values, field.entity.planOf(field.typename, values), around!, owner);
      return;
    }
    const at = { before: around, key: field.key };
    if (field.kind === 'link') {
      put(draft, field.key, this.#link(field.evaluate(values) as ExactJson | undefined, field, at, owner));
      return;
    }
    const { call } = field;
    put(draft, field.key, null);
    this.#call(call, values, {
      take: (answer, errors, policy) => {
        owner.add(errors, at, call.form);
        owner.keep(policy);
        put(draft, field.key, this.valueOf(answer, call.form, at, owner));
      },
    });
  }

  #link(made: ExactJson | undefined, field: LinkField, at: Position, owner: Owner): ExactJson {
    if (Array.isArray(made))
      return made.map((each: ExactJson, key) => this.#link(each, field, { before: at, key }, owner));
    if (made === undefined || typeOf(made) !== 'object') return null;
    const values = made as ExactObject;
    if (Object.values(values).includes(null)) return null;
    return this.#object(values, field, at, owner);
  }

  #given(value: ExactJson | undefined, field: GivenField, around: Position, owner: Owner): ExactJson {
    const given = (each: ExactJson, at: Position): ExactJson => {
      if (Array.isArray(each)) return each.map((item: ExactJson, key) => given(item, { before: at, key }));
      if (field.objects !== undefined && typeOf(each) === 'object')
        return this.#object(each as ExactObject, field.objects, at, owner);
      return field.isId ? textOf(each) : each;
    };
    return given(value ?? null, { before: around, key: field.key });
  }

  #object(
    values: ExactObject,
    { typename, entity }: Pick<LinkField, 'typename' | 'entity'>,
    at: Position,
    owner: Owner,
  ): ExactObject {
    const draft: Draft = {};
    this.add(draft, values, entity.planOf(typename, values), at, owner);
    return draft as ExactObject;
  }
}

/** Sets a member, also one with the name `__proto__`, as aliases may have. */
function put(draft: Draft, key: string, value: ExactJson | undefined): void {
  if (key !== '__proto__') draft[key] = value;
  else Object.defineProperty(draft, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Numbers as text, also in lists. */
function textOf(value: ExactJson): ExactJson {
  if (Array.isArray(value)) return value.map(textOf);
  return typeOf(value) === 'number' ? numberText(value) : value;
}
