import { type GraphQLSchema } from 'graphql';

/** What of a graph a caller may not see. Types and fields are named as the API schema names them. */
export interface Refusals {
  /** Whether a field is refused where it is selected on this type. */
  isRefused(type: string, field: string): boolean;
  /** Whether every object of the type is refused, whatever is selected of it. */
  isForbidden(type: string): boolean;
  /** Whether it depends on the objects that come what of this selection on an interface or a union is refused. */
  dependsOnType(type: string, fields: Iterable<string>): boolean;
  /** The schema that introspection shows. */
  readonly visibleSchema: GraphQLSchema;
}
