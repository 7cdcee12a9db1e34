/** The schema of a source for composition, while it is made. */
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type Location,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import type { ReportProblem, SourceSchema } from '../../supergraph/sources/source-schema';
import type { Owners } from './owners';

export interface SourceDraft {
  readonly source: SourceSchema;
  readonly owners: Owners;
  /** Objects and interfaces, by their names in the graph. */
  readonly types: Map<string, TypeDraft>;
  /** Unions, inputs, enums and what else is as the source has it. */
  readonly rest: DefinitionNode[];
  readonly report: ReportProblem;
}

export interface TypeDraft {
  node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;
  readonly fields: Map<string, FieldDefinitionNode>;
}

/** A use of a directive, at the location of what it comes from. */
export const use = (
  name: string,
  loc: Location | undefined,
  args: Readonly<Record<string, string | boolean>> = {},
): ConstDirectiveNode => ({
  ...{ kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: name } },
  ...(loc && { loc }),
  arguments: Object.entries(args).map(([key, value]) => ({
    kind: Kind.ARGUMENT,
    name: { kind: Kind.NAME, value: key },
    value: typeof value === 'boolean' ? { kind: Kind.BOOLEAN, value } : { kind: Kind.STRING, value },
  })),
});
