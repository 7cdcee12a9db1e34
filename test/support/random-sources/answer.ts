/** What random APIs answer. */
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  buildSchema,
  execute,
  type ExecutionResult,
  type GraphQLSchema,
  isAbstractType,
  parse,
  specifiedRules,
} from 'graphql';
import { fastValidate } from '../fast-validate';
import { type ApiDraft } from './draft';
import { type DrawnGraph } from './draw';
import { type Args, type Thing } from './world';

export type AnswerGraphql = (
  document: string,
  variables: Args,
  operationName?: string,
) => Promise<ExecutionResult>;

/** A plain GraphQL API, or a federation subgraph. */
export function graphqlApi(drawn: DrawnGraph, api: ApiDraft): AnswerGraphql {
  const schema = api.kind === 'federation' ? federationSchema(drawn, api) : buildSchema(api.sdl);
  return async (text, variableValues, operationName) => {
    const document = parse(text, { noLocation: true });
    const invalid = fastValidate(schema, document, specifiedRules);
    if (invalid.length > 0) return { errors: invalid };
    return execute({
      ...{ schema, document, variableValues, operationName, rootValue: root },
      fieldResolver: (thing: Thing, args: Args, _context, { parentType, fieldName }) =>
        api.resolve(parentType.name, fieldName)(thing, args),
      typeResolver: (thing: Thing, _context, _info, abstract) =>
        api.typeOf(
          thing,
          schema.getPossibleTypes(abstract).map(({ name }) => name),
        ),
    });
  };
}

export const root: Thing = { type: 'Query', id: 'Query' };

function federationSchema({ world, entities, partOf }: DrawnGraph, api: ApiDraft): GraphQLSchema {
  const schema = buildSubgraphSchema({ typeDefs: parse(federationSdl(api)) });
  for (const type of Object.values(schema.getTypeMap()))
    if (isAbstractType(type)) type.resolveType = undefined;
  const field = schema.getQueryType()!.getFields()['_entities'];
  if (field)
    field.resolve = (_root, { representations }: { representations: Readonly<Record<string, unknown>>[] }) =>
      representations.map((representation) => {
        const entity = entities.find(({ name }) => name === representation['__typename'])!;
        const { keys, isHome } = partOf(api, entity)!;
        const key = keys.find((one) => one.every(({ name }) => name in representation));
        const found =
          key &&
          world.find(
            entity,
            key,
            key.map(({ name }) => representation[name]),
          );
        return found && world.isKnown(api, found, isHome) ? found : null;
      });
  return schema;
}

/** With the directives of Federation at hand. */
export const federationSdl = ({ sdl }: ApiDraft): string =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@shareable"])\n${sdl}`;
