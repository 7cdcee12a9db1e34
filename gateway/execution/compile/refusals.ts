import { type GraphQLSchema } from 'graphql';

/** The types and fields that a caller may not see, by their names in the API schema. */
export interface FieldRefusals {
  isRefused(type: string, field: string): boolean;
  /** Whether every object of the type is refused, whatever is selected of it. */
  isForbidden(type: string): boolean;
  /** Whether what is refused of this selection on an interface or a union depends on the object's type. */
  dependsOnType(type: string, fields: Iterable<string>): boolean;
  /** The schema that introspection shows. */
  readonly visibleSchema: GraphQLSchema;
}
