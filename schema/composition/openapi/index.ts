import { type DocumentNode, type FieldDefinitionNode, Kind } from 'graphql';
import { SupergraphConfigError } from '../supergraph-config';
import { sourceProblem, suggestion } from '../sources/source-problem';
import { type Note, OpenApiDocument } from './document';
import { writeField } from './fields';
import { type Operation, operationsOf } from './operations';
import { Types } from './types';

export interface OpenApiImport {
  readonly sdl: string;
  /** What is not as one may expect, and why. */
  readonly notes: readonly Note[];
}

/**
 * Writes the schema of the operations that an overlay names as fields of `Query` and `Mutation`, with all types that they
 * reach. The overlay itself is not in it.
 *
 * @param subgraph for the locations of problems
 * @throws {SupergraphConfigError} with all that prevents the import
 */
export function readOpenApi(
  text: { readonly text: string; readonly file: string },
  overlay: DocumentNode,
  subgraph?: string,
): OpenApiImport {
  const document = new OpenApiDocument(text, subgraph);
  const operations = operationsOf(document);
  const types = new Types(document);
  const roots = (['Query', 'Mutation'] as const).flatMap((root) => {
    const fields = fieldsOf(overlay, root).flatMap(
      (field) =>
        document.attempt(() => writeField(operationOf(field, operations, subgraph), root, types)) ?? [],
    );
    return fields.length === 0 ? [] : [`type ${root} {\n${fields.join('\n\n')}\n}`];
  });
  const sdl = `${[...roots, ...types.definitions()].join('\n\n')}\n`;
  if (document.problems.length > 0) throw new SupergraphConfigError(document.problems);
  if (roots.length === 0) throw noOperation([...operations.keys()]);
  return { sdl, notes: document.notes() };
}

/** Who begins with an empty overlay sees what there is. */
function noOperation(names: readonly string[]): SupergraphConfigError {
  const some = names.slice(0, 10).map((name) => `\`${name}\``);
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : '';
  const message = `The overlay names no operation of the OpenAPI document, which has ${some.join(', ') || 'none'}${more}.`;
  return new SupergraphConfigError([sourceProblem(message, {})]);
}

/** The operation that a field names. @throws {SupergraphConfigError} where there is none, or several */
function operationOf(
  { name: node }: FieldDefinitionNode,
  operations: ReadonlyMap<string, readonly Operation[]>,
  subgraph: string | undefined,
): Operation {
  const { value: name } = node;
  const found = operations.get(name) ?? [];
  if (found.length === 1) return found[0]!;
  const titles = found.map(({ method, path }) => `${method} ${path}`);
  const message =
    found.length === 0
      ? `The OpenAPI document has no operation \`${name}\`.${suggestion(name, operations.keys())}`
      : `\`${name}\` names several operations of the OpenAPI document: ${titles.join(', ')}. Give them an \`operationId\` each.`;
  throw new SupergraphConfigError([sourceProblem(message, node, subgraph)]);
}

/** The fields of a root type in an overlay, each once. */
function fieldsOf({ definitions }: DocumentNode, root: string): FieldDefinitionNode[] {
  const fields = definitions.flatMap((node) =>
    (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) &&
    node.name.value === root
      ? (node.fields ?? [])
      : [],
  );
  return [...new Map(fields.map((field) => [field.name.value, field])).values()];
}
