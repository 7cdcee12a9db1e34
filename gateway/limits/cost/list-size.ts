import {
  getNullableType,
  type GraphQLField,
  GraphQLInt,
  type GraphQLOutputType,
  isListType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { ListSize } from '../../planning';

/** How long the lists of a field are, as far as its arguments say. */
export interface Slicing {
  /** The arguments that say it; the greatest of those that are given counts. */
  readonly arguments: readonly string[];
  /** The length when no argument says it. */
  readonly assumed: number | undefined;
  /** The lists below an object that have this length; undefined where the field is the list itself. */
  readonly sizedFields: ReadonlySet<string> | undefined;
  /** Exactly one of the arguments must be given. */
  readonly requiresOne: boolean;
}

/**
 * By `@listSize` where there is one. Otherwise by the customs of GraphQL schemas: `first` and `last` as in Relay's
 * connections, `limit` as in AppSync's, for the list itself or for `edges`, `nodes` and `items` below.
 */
export function slicingOf(
  field: GraphQLField<unknown, unknown>,
  directive: ListSize | undefined,
): Slicing | undefined {
  if (directive !== undefined) {
    const { slicingArguments = [], assumedSize: assumed, sizedFields } = directive;
    return {
      arguments: slicingArguments,
      assumed,
      sizedFields: sizedFields && new Set(sizedFields),
      requiresOne: slicingArguments.length > 0 && directive.requireOneSlicingArgument,
    };
  }
  const sliced = field.args.filter(
    ({ name, type }) => customaryArguments.has(name) && getNullableType(type) === GraphQLInt,
  );
  if (sliced.length === 0) return undefined;
  const sizedFields = isList(field.type) ? undefined : customaryLists(field.type);
  if (sizedFields?.size === 0) return undefined;
  return { arguments: sliced.map(({ name }) => name), assumed: undefined, sizedFields, requiresOne: false };
}

export const isList = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));

const customaryArguments = new Set(['first', 'last', 'limit']);

function customaryLists(type: GraphQLOutputType): Set<string> {
  const connection = getNullableType(type);
  if (!isObjectType(connection) && !isInterfaceType(connection)) return new Set();
  const fields = connection.getFields();
  return new Set(
    ['edges', 'nodes', 'items'].filter((name) => fields[name] !== undefined && isList(fields[name].type)),
  );
}
