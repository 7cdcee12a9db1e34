import type { GraphQLSchema } from 'graphql';
import type { FieldRefusals } from '../../execution';
import { requirementLabel } from '../../planning';
import type { Protection } from './protection';

/** Which elements of a graph are visible with given refusals. Each is decided on first use. */
export class Visibility implements FieldRefusals {
  readonly protection: Protection;
  /** The refused requirements, by label, and fields, by name. */
  readonly refused: ReadonlySet<string>;
  readonly #requirements: ReadonlySet<number>;
  readonly #fields = new Map<string, boolean>();
  readonly #types = new Map<string, boolean>();
  readonly #schemaFor: (visibility: Visibility) => GraphQLSchema;

  constructor(
    protection: Protection,
    refused: Iterable<string>,
    schemaFor: (visibility: Visibility) => GraphQLSchema,
  ) {
    this.protection = protection;
    this.refused = new Set(refused);
    this.#schemaFor = schemaFor;
    this.#requirements = new Set(
      protection.facts.requirements.flatMap((requirement, number) =>
        this.refused.has(requirementLabel(requirement)) ? [number] : [],
      ),
    );
  }

  /** The same with more fields refused. */
  without(fields: Iterable<string>): Visibility {
    return new Visibility(this.protection, [...this.refused, ...fields], this.#schemaFor);
  }

  isForbidden(type: string): boolean {
    let is = this.#types.get(type);
    if (is === undefined) {
      const { protection } = this;
      const objects = protection.objectsOf(type);
      is =
        protection.ofType(type).some((number) => this.#requirements.has(number)) ||
        (objects.length > 0 && objects.every((object) => this.isForbidden(object)));
      this.#types.set(type, is);
    }
    return is;
  }

  isRefused(type: string, field: string): boolean {
    const key = `${type}.${field}`;
    let is = this.#fields.get(key);
    if (is === undefined) {
      const { requirements, fields } = this.protection.ofField(type, field);
      is =
        [...requirements].some((number) => this.#requirements.has(number)) ||
        [...fields].some((one) => this.refused.has(one)) ||
        this.isForbidden(this.protection.typeOf(type, field) ?? '');
      this.#fields.set(key, is);
    }
    return is;
  }

  dependsOnType(type: string, fields: Iterable<string>): boolean {
    const names = [...fields];
    return this.protection
      .objectsOf(type)
      .some(
        (object) =>
          this.isForbidden(object) ||
          names.some((field) => this.isRefused(object, field) !== this.isRefused(type, field)),
      );
  }

  get visibleSchema(): GraphQLSchema {
    return this.#schemaFor(this);
  }
}
