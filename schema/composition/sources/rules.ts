/** What a source schema must be, beyond what its reader and Apollo's composer check. */
import {
  type ASTNode,
  type InputValueDefinitionNode,
  Kind,
  type NamedTypeNode,
  type TypeNode,
} from 'graphql';
import { isKey, readKey } from '../../supergraph/key-paths';
import { argumentsOf, directive, listDepth, namedTypeOf, nullable, typeText } from '../../supergraph/sdl';
import { derivedNames, fieldSetOf, type SelectionMap } from '../../supergraph/sources/selection-map';
import {
  madeOf,
  type ReportProblem,
  type SourceField,
  type SourceSchema,
  type SourceType,
} from '../../supergraph/sources/source-schema';
import { mapProblems, type MapTypes } from './map-problems';
import type { Owners } from './owners';

export function checkSourceSchema(source: SourceSchema, owners: Owners, report: ReportProblem): void {
  const rules = new Rules(source, owners, report);
  for (const type of source.types.values()) rules.check(type);
  rules.checkLookups();
}

class Rules {
  readonly #types: MapTypes = {
    fieldType: (type, field) =>
      this.source.types.get(type)?.fields.get(field)?.type ?? this.owners.field(type, field)?.type,
    possibleTypes: (type) => this.source.types.get(type)?.possibleTypes ?? this.owners.possibleTypes(type),
    input: (type) => this.source.inputs.get(type),
  };

  constructor(
    readonly source: SourceSchema,
    readonly owners: Owners,
    readonly report: ReportProblem,
  ) {}

  check(type: SourceType): void {
    if (directive(type.node, 'shape') !== undefined) this.#checkSummary(type);
    for (const use of type.node.directives ?? [])
      if (use.name.value === 'key' && !isKey(argumentsOf(use)['fields']))
        this.report('@key needs `fields`, a selection such as "id".', use);
    const isRoot = Object.values(this.source.roots).includes(type.name);
    for (const field of type.fields.values()) {
      const { node, derived, from } = field;
      const use = directive(node, 'derive') ?? directive(node, 'from');
      if (use !== undefined && (isRoot || type.kind !== 'object' || type.graphName !== type.name))
        this.report(
          `@${use.name.value} must not be on fields of root types, interfaces and summaries (@shape): \`${type.name}\` is one.`,
          use,
        );
      else if (derived !== undefined) this.#checkLink(type, field, derived);
      else if (from !== undefined) this.#checkCall(type, field, from);
      if (use !== undefined && isMadeOfItself(type, field.name))
        this.report(`\`${type.name}.${field.name}\` is made of itself.`, use);
      for (const [index, { require, type: input }] of [...field.arguments.values()].entries()) {
        if (require === undefined) continue;
        const at = directive(node.arguments![index]!, 'require')!;
        this.#checkMap(require, named(type.name), input, at);
        if (from === undefined) this.#checkRequired(type.name, require, at);
      }
    }
  }

  /** Only calls are made after the object is known: others get what they require with the keys of the object. */
  #checkRequired(type: string, map: SelectionMap, node: ASTNode): void {
    const { types, lookups } = this.source;
    const keys = new Set(
      (lookups.get(type) ?? []).flatMap(({ key }) => readKey(key).map((path) => path.join('.'))),
    );
    for (const path of readKey(fieldSetOf([map]))) {
      let at: string | undefined = type;
      for (const name of path) at = types.get(at ?? '')?.fields.get(name)?.namedType;
      if (at !== undefined && !keys.has(path.join('.')))
        this.report(
          `The source has \`${path.join('.')}\` of \`${type}\` itself: only a field with @from may require it, unless it is a key.`,
          node,
        );
    }
  }

  checkLookups(): void {
    const queries = this.source.types.get(this.source.roots.query ?? '')?.fields;
    for (const [entity, lookups] of this.source.lookups)
      for (const { field, arguments: args, isList, key } of lookups) {
        const { node, namedType } = queries!.get(field)!;
        const use = directive(node, 'lookup')!;
        if (entity !== namedType && this.source.types.get(namedType)?.graphName === entity)
          this.report(
            `\`${namedType}\` is only a part of \`${entity}\` (@shape): its @lookup must return the whole.`,
            use,
          );
        if (key.includes('...')) this.report(`A key must not have conditions on types: "${key}".`, use);
        for (const { name, type, map } of args) {
          const at = node.arguments!.find((argument) => argument.name.value === name)!;
          const output: TypeNode = isList ? { kind: Kind.LIST_TYPE, type: named(entity) } : named(entity);
          this.#checkMap(map, output, type, directive(at, 'is') ?? at);
        }
      }
  }

  #checkMap(map: SelectionMap, output: TypeNode, input: TypeNode, node: ASTNode, types = this.#types): void {
    for (const problem of mapProblems(map, output, input, types)) this.report(problem, node);
  }

  /** All fields of a summary are fields of the entity, where the source has it as a whole. */
  #checkSummary({ name, graphName, fields, node }: SourceType): void {
    const use = directive(node, 'shape')!;
    const whole = this.source.types.get(graphName);
    if (whole === undefined) {
      if (!this.#isKnown(graphName)) this.report(`No subgraph has a type \`${graphName}\`.`, use);
      return;
    }
    if (whole.kind !== 'object' || directive(whole.node, 'shape') !== undefined) {
      this.report(`\`${name}\` cannot be a part of \`${graphName}\`, which is no whole object.`, use);
      return;
    }
    for (const {
      name: field,
      type,
      node: { name: at },
    } of fields.values()) {
      const same = whole.fields.get(field);
      if (same === undefined)
        this.report(
          `\`${graphName}\` has no field \`${field}\`, but \`${name}\`, which is a part of it (@shape), has one.`,
          at,
        );
      else if (this.#inGraph(same.type) !== this.#inGraph(type))
        this.report(
          `\`${name}.${field}\` is \`${typeText(type)}\`, but \`${graphName}.${field}\` is \`${typeText(same.type)}\`.`,
          at,
        );
    }
  }

  #inGraph(type: TypeNode): string {
    const name = namedTypeOf(type);
    return typeText(type).replace(name, this.source.types.get(name)?.graphName ?? name);
  }

  #checkLink(type: SourceType, { node, namedType, type: output }: SourceField, map: SelectionMap): void {
    const use = directive(node, 'is')!;
    const isObject = (this.source.types.get(namedType)?.kind ?? 'object') === 'object';
    if (!isObject || this.source.inputs.has(namedType) || this.source.enums.has(namedType))
      this.report(`@derive is for links to objects, but \`${typeText(output)}\` is none.`, node.type);
    else if (derivedNames(map).length === 0)
      this.report('A link is made of the fields of its object, in { }: `{ id: authorId }`.', use);
    else if (!this.#isKnown(namedType)) this.report(`No subgraph has a type \`${namedType}\`.`, node.type);
    else {
      const fields = derivedNames(map).flatMap((name) => {
        const made = this.#types.fieldType(namedType, name);
        return made === undefined ? [] : [inputField(name, nullable(made))];
      });
      const input = (name: string) => (name === namedType ? { fields } : undefined);
      this.#checkMap(map, named(type.name), output, use, { ...this.#types, input });
    }
  }

  #isKnown(type: string): boolean {
    return this.source.types.has(type) || this.owners.type(type) !== undefined;
  }

  /** `@from(field:)` names a root field of the same type, with the same arguments. */
  #checkCall(
    type: SourceType,
    { name, node, type: output, arguments: args }: SourceField,
    from: string,
  ): void {
    const use = directive(node, 'from')!;
    const root = this.source.types.get(this.source.roots.query ?? '')?.fields.get(from);
    const path = `${type.name}.${name}`;
    if (root === undefined) {
      this.report(`\`${path}\` is of \`${from}\`, but the schema has no such query.`, use);
      return;
    }
    if (root.namedType !== namedTypeOf(output) || listDepth(root.type) !== listDepth(output))
      this.report(
        `\`${path}\` is \`${typeText(output)}\`, but \`${from}\` is \`${typeText(root.type)}\`.`,
        node.type,
      );
    for (const argument of node.arguments ?? []) {
      const same = root.arguments.get(argument.name.value);
      if (same === undefined)
        this.report(`\`${from}\` has no argument \`${argument.name.value}\`.`, argument.name);
      else if (typeText(nullable(same.type)) !== typeText(nullable(argument.type)))
        this.report(
          `\`${argument.name.value}\` of \`${from}\` is \`${typeText(same.type)}\`, and not \`${typeText(argument.type)}\`.`,
          argument.type,
        );
    }
    for (const { name: needed, type: input, defaultValue } of root.arguments.values())
      if (input.kind === Kind.NON_NULL_TYPE && defaultValue === undefined && !args.has(needed))
        this.report(
          `\`${from}\` needs its argument \`${needed}: ${typeText(input)}\`: add it, with @require where the object has it.`,
          use,
        );
    if (![...args.values()].some(({ require }) => require !== undefined))
      this.report(
        `\`${path}\` needs an argument with @require: what of \`${type.name}\` the call gets.`,
        use,
      );
  }
}

/** Whether a link or a call needs itself of its object, also for others that it needs. */
function isMadeOfItself({ fields }: SourceType, name: string): boolean {
  const needs = new Set(madeOf(fields.get(name)!));
  for (const need of needs) {
    const field = fields.get(need);
    for (const further of (field && madeOf(field)) ?? []) needs.add(further);
  }
  return needs.has(name);
}

const named = (value: string): NamedTypeNode => ({ kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value } });

const inputField = (value: string, type: TypeNode): InputValueDefinitionNode => ({
  kind: Kind.INPUT_VALUE_DEFINITION,
  name: { kind: Kind.NAME, value },
  type,
});
