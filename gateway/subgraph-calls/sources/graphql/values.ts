/** Makes what was requested of the answers of a source. */
import { type Policy, strictest } from '../../../cache/policy';
import { type ExactJson, type ExactObject, typeOf, writeExactJson } from '../../../replay/exact-json';
import { JsonParts } from '../../wire/json-parts';
import { parseExact } from '../arguments';
import type { OpenedSource } from '../source-executor';
import type { SourceError } from './answers';
import { type Form, type MadeField, noForm, pathOf, type RootCall, type ValueForm } from './forms';
import { Hole, nullJson, ObjectPiece, type Piece } from './pieces';

/** An entity, or the data of root fields: collects what is wrong in it, and how long it may be kept. */
export class Owner {
  readonly errors: SourceError[] = [];
  policy: Policy | undefined;

  add(errors: readonly SourceError[], at: Path, form: Form): void {
    for (const error of errors) {
      const path = [...at, ...pathOf(error.path ?? [], form)];
      this.errors.push(path.length === 0 ? error : { ...error, path });
    }
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

export class Values {
  readonly #source: OpenedSource;
  readonly #call: (call: RootCall, value: ExactObject, target: Target) => boolean;

  /** @param call requests a call; returns false where a part of its arguments is missing */
  constructor(source: OpenedSource, call: (call: RootCall, value: ExactObject, target: Target) => boolean) {
    this.#source = source;
    this.#call = call;
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
        if (value !== undefined) values.push([name, parseExact(value.toString())]);
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
    const isCalled = this.#call(call, value, {
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
}

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
