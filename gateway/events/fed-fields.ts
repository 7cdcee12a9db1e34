import {
  getArgumentValues,
  getNamedType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { Identity } from '../auth/identity';
import type { EventFields } from '../planning/event-fields';
import { rootFieldOf, variablesOf } from '../subgraph-calls/wire/root-field';
import type { Source } from '../subgraph-calls/contract/source';
import type { SubgraphEvent, SubgraphOperation, SubgraphRequest } from '../subgraph-calls/contract/transport';
import type { EntityKey } from './drops';
import type { EventFeeds, FeedOptions } from './feeds';
import { argumentsIn, bindFilter } from './filter';

/** The events for one client, and others with the same filter. */
export interface BoundFeed {
  /** Equal for two that get the same events. */
  readonly scope: string;
  /** Differs where other events are meant by the field. */
  readonly connection: string;
  /** Names the events: positions are those of one stream. */
  readonly stream: string;
  /** @param after the position of the last event that is known */
  open(after: string | undefined): Source<SubgraphEvent>;
}

/** What the planner must know of fields that events feed. */
export const eventFieldsOf = (fields: FeedOptions): EventFields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      { key: Object.keys(field.key), arguments: argumentsIn(field) },
    ]),
  );

/**
 * The events that a client gets that opens the source of a subscription field, and their form: the key of an object, as the
 * operation selects it. Throws `MissingFilterValue` where it may not have any.
 */
export function bindFeed(
  { operation, variables }: Pick<SubgraphRequest, 'operation' | 'variables'>,
  { claims }: Pick<Identity, 'claims'>,
  {
    fields,
    schema,
    feeds,
  }: { readonly fields: FeedOptions; readonly schema: GraphQLSchema; readonly feeds: EventFeeds },
): BoundFeed {
  const node = rootFieldOf(operation);
  const name = node.name.value;
  const field = fields[name]!;
  const definition = schema.getSubscriptionType()!.getFields()[name]!;
  const args = getArgumentValues(definition, node, variablesOf({ variables }));
  const { scope, matches } = bindFilter(field, { args, claims });
  const type = getNamedType(definition.type);
  return {
    scope,
    connection: JSON.stringify(field),
    stream: JSON.stringify([field.source, scope]),
    open: (after) => feeds.subscribe({ field: name, matches, bodyOf: bodyOf(operation, type) }, after),
  };
}

/** Writes the answer to the operation that opens a source, for the key of an object. */
function bodyOf(operation: SubgraphOperation, type: GraphQLNamedType): (key: EntityKey) => Buffer {
  const { name, alias, selectionSet } = rootFieldOf(operation);
  return (key) => {
    const object = select(selectionSet!, nested(key), type);
    return Buffer.from(JSON.stringify({ data: { [(alias ?? name).value]: object } }));
  };
}

type KeyFields = Readonly<Record<string, unknown>>;

/** Its paths as objects. */
function nested(key: EntityKey): KeyFields {
  const whole: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(key)) {
    const steps = path.split('.');
    const last = steps.pop()!;
    const inner = steps.reduce<Record<string, unknown>>(
      (map, step) => (map[step] ??= {}) as Record<string, unknown>,
      whole,
    );
    inner[last] = value;
  }
  return whole;
}

/** @param type undefined for one that clients do not see: it has no `__typename` in an operation */
function select(
  { selections }: SelectionSetNode,
  value: KeyFields,
  type: GraphQLNamedType | undefined,
): KeyFields {
  const selected: Record<string, unknown> = {};
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT)
      Object.assign(selected, select(selection.selectionSet, value, type));
    if (selection.kind !== Kind.FIELD) continue;
    const { name, alias, selectionSet } = selection;
    const field = isObjectType(type) ? type.getFields()[name.value] : undefined;
    const inner = field && getNamedType(field.type);
    const member = value[name.value];
    selected[(alias ?? name).value] =
      name.value === '__typename'
        ? type?.name
        : selectionSet !== undefined
          ? select(selectionSet, member as KeyFields, inner)
          : asLeaf(member, inner);
  }
  return selected;
}

/** Events may have a number where the graph has an `ID`. */
const asLeaf = (value: unknown, type: GraphQLNamedType | undefined): unknown =>
  typeof value === 'number' && (type?.name === 'ID' || type?.name === 'String') ? String(value) : value;
