import { z } from 'zod';
import type { OptionProtection } from './protection';

/** What an option may be, without what is around it. Of the schema itself, as its JSON form takes long to make. */
export interface Way {
  readonly schema: z.core.$ZodTypes;
  readonly isSecret: boolean;
  /** What kind of value it is, such as `duration`; undefined where its type says it. */
  readonly title: string | undefined;
  /** Undefined for an option whose absence lets nothing more in. */
  readonly protection: OptionProtection | undefined;
}

const unmarked = { isSecret: false, title: undefined, protection: undefined };

/** What an option of a schema may be: several ways where it may be one of several. */
export function waysOf(schema: z.core.$ZodType | undefined, around: Omit<Way, 'schema'> = unmarked): Way[] {
  if (schema === undefined) return [];
  const marks = z.globalRegistry.get(schema);
  const protects = marks?.['protects'] as true | OptionProtection | undefined;
  const own = {
    isSecret: around.isSecret || marks?.['writeOnly'] === true,
    title: around.title ?? marks?.title,
    protection: around.protection ?? (protects === true ? {} : protects),
  };
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return waysOf(def.innerType, own);
    case 'pipe':
      return waysOf(def.in._zod.def.type === 'transform' ? def.out : def.in, own);
    case 'union':
      return def.options.flatMap((each) => waysOf(each, own));
    default:
      return [{ schema: schema as z.core.$ZodTypes, ...own }];
  }
}

/** @param key undefined for a member of a map by any name */
export function memberOf({ schema }: Way, key: PropertyKey | undefined): z.core.$ZodType | undefined {
  const { def } = schema._zod;
  switch (def.type) {
    case 'object':
      return key !== undefined && Object.hasOwn(def.shape, key) ? def.shape[String(key)] : def.catchall;
    case 'record':
      return typeof key === 'number' ? undefined : def.valueType;
    case 'array':
      return typeof key === 'number' ? def.element : undefined;
    default:
      return undefined;
  }
}

/** What a member of an option may be. */
export const waysInside = (ways: readonly Way[], key: PropertyKey | undefined): Way[] =>
  ways.flatMap((way) => waysOf(memberOf(way, key)));

export const waysAt = (schema: z.ZodType, path: readonly PropertyKey[]): Way[] =>
  path.reduce<Way[]>(waysInside, waysOf(schema));
