/** What can be wrong with an answer, whatever nulls swallow of it. */
import {
  buildASTSchema,
  type FieldDefinitionNode,
  getNullableType,
  type GraphQLFormattedError,
  type GraphQLList,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isNonNullType,
  parse,
  printSchema,
  visit,
} from 'graphql';
import { type RandomOperation } from '../support/random-operation';
import { answerMerged, type Graph, type Guard } from './systems';

export type Path = readonly (string | number)[];

/** The faults of an operation. */
export interface Faults {
  /** What a resolver throws, or a value is no value of its type, there; undefined: nothing. */
  readonly errorAt: (path: Path) => GraphQLFormattedError | undefined;
  /** Whether there is a null that may not be. */
  readonly isBrokenAt: (path: Path) => boolean;
}

export const noFaults: Faults = { errorAt: () => undefined, isBrokenAt: () => false };

/**
 * Executes an operation as graphql-js does where no null travels up. Which errors a null swallows is left to who
 * executes, but none may be told that is not among these.
 */
export async function faultsOf(graph: Graph, operation: RandomOperation, guard?: Guard): Promise<Faults> {
  const strictTypes = new Map<string, GraphQLOutputType>();
  const answer = await answerMerged({ ...graph, apiSchema: lenient(graph.apiSchema) }, operation, {
    object: (type) => guard?.object(type),
    field: (info) => {
      const strict = graph.apiSchema.getType(info.parentType.name) as GraphQLObjectType;
      strictTypes.set(JSON.stringify(pathOf(info.path)), strict.getFields()[info.fieldName]!.type);
      guard?.field(info);
    },
  });
  const errors = new Map(answer.errors.map((error) => [JSON.stringify(error.path), error]));
  return {
    errorAt: (path) => errors.get(JSON.stringify(path)),
    isBrokenAt(path) {
      if (valueAt(answer.data, path) !== null) return false;
      const field = path.findLastIndex((step) => typeof step === 'string') + 1;
      let type = strictTypes.get(JSON.stringify(path.slice(0, field)));
      for (let depth = field; depth < path.length && type; depth++)
        type = (getNullableType(type) as GraphQLList<GraphQLOutputType>).ofType;
      return isNonNullType(type);
    },
  };
}

export const valueAt = (data: unknown, path: Path): unknown =>
  path.reduce((value, step) => (value as Record<string | number, unknown> | null | undefined)?.[step], data);

const pathOf = (path: GraphQLResolveInfo['path'] | undefined): (string | number)[] =>
  path ? [...pathOf(path.prev), path.key] : [];

const lenientSchemas = new WeakMap<GraphQLSchema, GraphQLSchema>();

/** The schema in which every field, and every item of a list, may be null. */
function lenient(schema: GraphQLSchema): GraphQLSchema {
  let known = lenientSchemas.get(schema);
  if (!known) {
    const document = visit(parse(printSchema(schema), { noLocation: true }), {
      FieldDefinition: (field): FieldDefinitionNode => ({
        ...field,
        type: visit(field.type, { NonNullType: { leave: ({ type }) => type } }),
      }),
    });
    lenientSchemas.set(schema, (known = buildASTSchema(document, { assumeValid: true })));
  }
  return known;
}
