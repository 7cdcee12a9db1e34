/** Positions that have only a part of an object: links that are made of ids (`@derive`), and summaries (`@shape`). */
import { readKey } from '../../supergraph/key-paths';
import { derivedNames } from '../../supergraph/sources/selection-map';
import { madeOf, type SourceField, type SourceSchema } from '../../supergraph/sources/source-schema';
import type { SourceDraft } from './source-draft';

/** Reports the positions of which the source cannot look up the rest. */
export function checkPositions(draft: SourceDraft): void {
  const { source, types, report } = draft;
  /** Why a part is too little; empty where it is enough. Many links have the same part. */
  const reasons = new Map<string, string>();
  for (const type of source.types.values())
    for (const field of type.fields.values()) {
      if (types.get(type.graphName)?.fields.has(field.name) !== true) continue;
      for (const { entity, of, has } of partsIn(source, field)) {
        const key = `${entity} ${of}`;
        const why = reasons.get(key) ?? whyTooLittle(draft, entity, has);
        reasons.set(key, why);
        if (why !== '') report(`\`${type.name}.${field.name}\` ${why}`, field.node.name);
      }
    }
}

function whyTooLittle({ source, types }: SourceDraft, entity: string, has: Part['has']): string {
  const isGiven = (name: string) => has([name]);
  const missing = missingOf({ source, types }, entity, isGiven);
  const lookups = source.lookups.get(entity) ?? [];
  if (missing.length === 0 || lookups.some(({ key }) => readKey(key).every(has))) return '';
  const given = [...types.get(entity)!.fields.keys()].filter(isGiven);
  const those = missing.length > 1 ? 'these fields' : 'this field';
  return `has only ${namesText(given)} of \`${entity}\`, and no @lookup gets ${namesText(missing)} by that: add @lookup to a query that does, or @internal to ${those} of \`${entity}\`.`;
}

const namesText = (names: readonly string[]): string => {
  const shown = names.slice(0, 5).map((name) => `\`${name}\``);
  return [...shown, ...(names.length > 5 ? [`${names.length - 5} others`] : [])].join(', ') || 'nothing';
};

interface Part {
  /** Its name in the graph. */
  readonly entity: string;
  /** The summary, or what the link has. */
  readonly of: string;
  /** Whether the value has a field, and what it leads to. */
  readonly has: (path: readonly string[]) => boolean;
}

/** What of objects the value of a field has, where that is a part of them. */
function partsIn({ types }: SourceSchema, { namedType, derived }: SourceField): Part[] {
  if (derived !== undefined) {
    const names = derivedNames(derived);
    const has: Part['has'] = ([name, ...rest]) => rest.length === 0 && names.includes(name!);
    return [{ entity: namedType, of: names.join(' '), has }];
  }
  const has = (type: string, [name, ...rest]: readonly string[]): boolean => {
    const field = types.get(type)?.fields.get(name!);
    return field !== undefined && (rest.length === 0 || has(field.namedType, rest));
  };
  return (types.get(namedType)?.possibleTypes ?? []).flatMap((name) => {
    const entity = types.get(name)?.graphName ?? name;
    return entity === name ? [] : [{ entity, of: name, has: (path) => has(name, path) }];
  });
}

/** The fields of a type in the graph that are not given, and not made of what is given. */
export function missingOf(
  { source, types }: Pick<SourceDraft, 'source' | 'types'>,
  type: string,
  isGiven: (field: string) => boolean,
): string[] {
  const { fields } = types.get(type)!;
  const own = source.types.get(type)?.fields;
  return [...fields.keys()].filter((name) => {
    const field = own?.get(name);
    const isMade = field !== undefined && madeOf(field)?.every((need) => !own!.has(need) || isGiven(need));
    return !isGiven(name) && isMade !== true;
  });
}
