import {
  getNullableType,
  type GraphQLField,
  GraphQLInt,
  type GraphQLOutputType,
  isListType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { ListSize } from '../../../schema/supergraph/cost-directives';

/** How arguments determine the length of a field's lists. */
export interface SlicingArguments {
  /** The arguments with the length. The greatest given one counts. */
  readonly arguments: readonly string[];
  /** The length if no argument is given. */
  readonly assumed: number | undefined;
  /** The lists below an object that have this length; undefined if the field itself is the list. */
  readonly sizedFields: ReadonlySet<string> | undefined;
  /** Whether exactly one of the arguments must be given. */
  readonly requiresOne: boolean;
}

/**
 * From `@listSize` if there is one. Otherwise from common argument names: `first` and `last` as in Relay's connections,
 * and `limit` as in AppSync, for the list itself or for `edges`, `nodes` and `items` below it.
 */
export function slicingOf(
  field: GraphQLField<unknown, unknown>,
  directive: ListSize | undefined,
): SlicingArguments | undefined {
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
