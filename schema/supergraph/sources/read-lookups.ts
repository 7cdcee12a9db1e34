import { type ConstDirectiveNode, Kind } from 'graphql';
import { directive, nullable, typeText } from '../sdl';
import { fieldSetOf, type SelectionMap } from './selection-map';
import type { Lookup, ReportProblem, SourceField, SourceSchema, SourceType } from './source-schema';

/** Reads the fields of the query type with `@lookup`: by entity, the ways to look it up. */
export const readLookups = (
  types: SourceSchema['types'],
  query: string | undefined,
  report: ReportProblem,
): Map<string, Lookup[]> => new Reader(types, report).read(query);

class Reader {
  constructor(
    readonly types: SourceSchema['types'],
    readonly report: ReportProblem,
  ) {}

  read(query: string | undefined): Map<string, Lookup[]> {
    const lookups = new Map<string, Lookup[]>();
    for (const { name, fields } of this.types.values())
      for (const field of fields.values()) {
        const use = field.isLookup ? directive(field.node, 'lookup') : undefined;
        if (use === undefined) continue;
        if (name !== query) this.report(`@lookup must stand on a field of \`${query ?? 'Query'}\`.`, use);
        else
          for (const one of this.#lookupsOf(field, use))
            if (lookups.get(one.entity)?.push(one) === undefined) lookups.set(one.entity, [one]);
      }
    return lookups;
  }

  /** One for each entity that the field may return, and for each alternative of its argument. */
  #lookupsOf(field: SourceField, use: ConstDirectiveNode): Lookup[] {
    const returned = this.types.get(field.namedType);
    if (returned === undefined) {
      this.report(
        `@lookup must return an object, but \`${field.name}\` is \`${typeText(field.type)}\`.`,
        use,
      );
      return [];
    }
    const isList = nullable(field.type).kind === Kind.LIST_TYPE;
    return returned.possibleTypes.flatMap((name) => {
      const entity = this.types.get(name);
      const mapped = entity && this.#mappedArguments(field, entity);
      if (mapped === undefined) return [];
      const isOf = (type: string) =>
        type === name || this.types.get(type)?.possibleTypes.includes(name) === true;
      return alternativesOf(mapped, isOf).flatMap((args) => {
        const areLists = args.map(({ map }) => map.kind === 'list' && map.path.length === 0);
        if (args.length === 0)
          this.report(
            `The @lookup \`${field.name}\` needs an argument with \`@is(field: "…")\`: a key of \`${name}\`.`,
            use,
          );
        else if (isList ? args.length > 1 || areLists[0] === false : areLists.includes(true))
          this.report(
            `A @lookup that returns a list needs exactly one argument with a list of keys, such as \`@is(field: "[id]")\`, and others must not have one: \`${field.name}\` is \`${typeText(field.type)}\`.`,
            use,
          );
        else {
          const key = fieldSetOf(args.map(({ map }) => map));
          return [{ entity: entity!.graphName, field: field.name, isList, arguments: args, key }];
        }
        return [];
      });
    });
  }

  /** Undefined where an argument that must be given is of no field. */
  #mappedArguments(field: SourceField, entity: SourceType): Lookup['arguments'] | undefined {
    const mapped: Lookup['arguments'][number][] = [];
    for (const node of field.node.arguments ?? []) {
      const { name, type, is, defaultValue } = field.arguments.get(node.name.value)!;
      if (is !== undefined) mapped.push({ name, type, map: is });
      // What is no selection map was reported.
      else if (directive(node, 'is') !== undefined) return undefined;
      else if (type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined) {
        const same = entity.fields.get(name)?.type;
        if (same === undefined || typeText(nullable(same)) !== typeText(nullable(type))) {
          const fact = same === undefined ? 'does not exist' : `is \`${typeText(same)}\``;
          this.report(
            `\`${entity.name}.${name}\` ${fact}, but the argument \`${name}\` of the @lookup \`${field.name}\` is \`${typeText(type)}\`: write \`@is(field: "…")\` at it, with the field that it is.`,
            node,
          );
          return undefined;
        }
        mapped.push({ name, type, map: { kind: 'path', path: [{ kind: 'field', name }] } });
      }
    }
    if (mapped.filter(({ map }) => map.kind === 'choice').length <= 1) return mapped;
    this.report(`Only one argument of a @lookup may have alternatives.`, field.node.arguments![0]!);
    return undefined;
  }
}

/** The arguments of a lookup, once for each alternative that is for the entity. */
function alternativesOf(mapped: Lookup['arguments'], isOf: IsOf): Lookup['arguments'][] {
  const fitting: Lookup['arguments'][number][] = [];
  for (const each of mapped) {
    const map = forType(each.map, isOf);
    if (map === undefined) return [];
    fitting.push({ ...each, map });
  }
  const choice = fitting.find(({ map }) => map.kind === 'choice');
  if (choice?.map.kind !== 'choice') return [fitting];
  return choice.map.of.map((map) => fitting.map((each) => (each === choice ? { ...each, map } : each)));
}

type IsOf = (type: string) => boolean;

/** A map for objects of one type, without conditions on it; undefined where they do not hold. */
function forType(map: SelectionMap, isOf: IsOf): SelectionMap | undefined {
  if (map.kind === 'choice') {
    const of = map.of.flatMap((each) => (forType(each, isOf) as typeof each | undefined) ?? []);
    return of.length > 1 ? { kind: 'choice', of } : of[0];
  }
  const [first, ...path] = map.path;
  if (first?.kind === 'type') return isOf(first.name) ? forType({ ...map, path }, isOf) : undefined;
  if (first !== undefined || map.kind === 'path') return map;
  if (map.kind === 'list') {
    const item = forType(map.item, isOf);
    return item && { ...map, item };
  }
  const fields = map.fields.flatMap(({ name, value }) => {
    const fitting = forType(value, isOf);
    return fitting === undefined ? [] : [{ name, value: fitting }];
  });
  return fields.length < map.fields.length ? undefined : { ...map, fields };
}
