import { type Change, ChangeType, CriticalityLevel, diff } from '@graphql-inspector/core';
import type { GraphQLSchema } from 'graphql';

/**
 * `breaking`: a valid operation may become invalid, or a client may get something unexpected. `dangerous`: carelessly written
 * clients may fail, for example on a new enum value. `safe`: no client notices.
 */
export type Severity = 'breaking' | 'dangerous' | 'safe';

/** A difference between two API schemas. */
export interface SchemaChange {
  readonly severity: Severity;
  /** Such as `FIELD_REMOVED`. */
  readonly code: string;
  readonly message: string;
  /** Such as `Product.price`; absent where it concerns the schema as a whole. */
  readonly coordinate?: string;
  /**
   * Schema coordinates such as `Product.price(currency:)` and `Currency.EUR`. Operations that use one of them are
   * affected.
   */
  readonly concerns: readonly string[];
}

/** The changes, the worst first. */
export async function changesBetween(before: GraphQLSchema, after: GraphQLSchema): Promise<SchemaChange[]> {
  const changes = (await diff(before, after)).map(toChange);
  const rank = { breaking: 0, dangerous: 1, safe: 2 };
  return changes.sort((a, b) => rank[a.severity] - rank[b.severity] || compare(a.message, b.message));
}

function toChange(change: Change): SchemaChange {
  const { message, path, criticality } = change;
  return {
    severity: severities[criticality.level],
    code: change.type as string,
    message: message.replaceAll("'", '`'),
    ...(path === undefined ? {} : { coordinate: coordinateOf(change) }),
    concerns: concernsOf(change),
  };
}

const severities: Record<CriticalityLevel, Severity> = {
  [CriticalityLevel.Breaking]: 'breaking',
  [CriticalityLevel.Dangerous]: 'dangerous',
  [CriticalityLevel.NonBreaking]: 'safe',
};

/**
 * The schema coordinate of a change, in the notation of the specification: an argument is `Type.field(argument:)`. For
 * a directive, such as `Type.field.@deprecated`, it is the coordinate of the element that has the directive.
 */
function coordinateOf({ path = '' }: Change): string {
  const [thing = ''] = path.split('.@');
  const [type, field, argument] = thing.split('.');
  return argument === undefined ? thing : `${type}.${field}(${argument}:)`;
}

function concernsOf(change: Change): string[] {
  const coordinate = coordinateOf(change);
  const [owner = ''] = coordinate.split(/[.(]/);
  switch (change.type) {
    // Every use of the field or input object lacks a new required argument or input field.
    case ChangeType.FieldArgumentAdded:
      return [coordinate.slice(0, coordinate.indexOf('('))];
    case ChangeType.InputFieldAdded:
      return [owner];
    case ChangeType.UnionMemberRemoved:
      return [(change.meta as { removedUnionMemberTypeName: string }).removedUnionMemberTypeName];
    default:
      return coordinate === '' ? [] : [coordinate];
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
