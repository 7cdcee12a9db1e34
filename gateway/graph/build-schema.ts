import {
  type DefinitionNode,
  type GraphQLNamedType,
  GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  specifiedDirectives,
} from 'graphql';
// An internal function of `buildASTSchema`, which itself builds everything at once.
import { extendSchemaImpl } from 'graphql/utilities/extendSchema';
import { type Pace, runInSlices, swift } from '../net/slice';

/**
 * Builds a schema from SDL that is known to be valid, a few milliseconds at a time: in one go, the schema of a hundred
 * subgraphs would block the event loop for 0.1 s and longer.
 *
 * @param parts a few definitions each
 */
export async function buildSchemaInSteps(
  parts: readonly string[],
  pace: Pace = swift,
): Promise<GraphQLSchema> {
  const definitions: DefinitionNode[] = [];
  const read = (part: string): unknown => definitions.push(...parse(part, { noLocation: true }).definitions);
  await runInSlices(each(parts, read), pace);
  const config = extendSchemaImpl(
    {
      types: [],
      directives: [],
      extensions: {},
      extensionASTNodes: [],
      description: null,
      assumeValid: true,
    },
    { kind: Kind.DOCUMENT, definitions },
    { assumeValid: true },
  );
  // Fields are built on first access. Without this loop the schema's constructor would build all of them at once.
  const complete = (type: GraphQLNamedType): void => {
    if (isObjectType(type) || isInterfaceType(type)) {
      type.getFields();
      type.getInterfaces();
    } else if (isInputObjectType(type)) type.getFields();
    else if (isUnionType(type)) type.getTypes();
  };
  await runInSlices(each(config.types, complete), pace);
  const declared = new Set(config.directives.map(({ name }) => name));
  const named = (name: string) => config.types.filter(isObjectType).find((type) => type.name === name);
  // Section 3.3.1 of the GraphQL specification, "Default Root Operation Type Names".
  const roots = config.astNode
    ? {}
    : { query: named('Query'), mutation: named('Mutation'), subscription: named('Subscription') };
  return new GraphQLSchema({
    ...config,
    ...roots,
    directives: [...config.directives, ...specifiedDirectives.filter(({ name }) => !declared.has(name))],
  });
}

function* each<Item>(items: Iterable<Item>, work: (item: Item) => unknown): Generator<undefined, void> {
  for (const item of items) {
    work(item);
    yield;
  }
}
