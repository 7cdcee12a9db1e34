import { type DocumentNode, type FieldDefinitionNode, Kind } from 'graphql';
import { suggestionList } from 'graphql/jsutils/suggestionList';
import { locate, type Problem } from '../problem';
import { OpenApiDocument, OpenApiError } from './document';
import { Fields } from './fields';
import { type Note, Notes } from './notes';
import { type Operation, operationsOf } from './operations';
import { Types } from './types';

export type OpenApiImport =
  | { readonly sdl: string; readonly notes: readonly Note[]; readonly problems?: undefined }
  | { readonly problems: readonly Problem[]; readonly notes?: undefined };

/**
 * Writes the schema of the operations that an overlay names as fields of `Query` and `Mutation`, with all types that they
 * reach. The overlay itself is not in it.
 */
export function readOpenApi(
  text: { readonly text: string; readonly file: string },
  overlay: DocumentNode,
): OpenApiImport {
  const problems: Problem[] = [];
  const attempt = <Result>(read: () => Result): Result | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof OpenApiError)) throw error;
      problems.push(error.problem);
      return undefined;
    }
  };
  const document = attempt(() => new OpenApiDocument(text));
  const operations = document && attempt(() => operationsOf(document));
  if (operations === undefined) return { problems };
  const notes = new Notes();
  const types = new Types(document!, notes);
  const fields = new Fields(document!, types, notes);
  const roots = (['Query', 'Mutation'] as const).flatMap((root) => {
    const written = fieldsOf(overlay, root).flatMap((field) => {
      const operation = operationOf(field, operations);
      if ('message' in operation) problems.push(operation);
      else return attempt(() => fields.write(operation, root)) ?? [];
      return [];
    });
    return written.length === 0 ? [] : [`type ${root} {\n${written.join('\n\n')}\n}`];
  });
  const { definitions, problems: others } = types.definitions();
  if (problems.push(...others) > 0) return { problems };
  if (roots.length === 0) return { problems: [noOperation([...operations.keys()])] };
  return { sdl: `${[...roots, ...definitions].join('\n\n')}\n`, notes: notes.list() };
}

/** Who begins with an empty overlay sees what there is. */
function noOperation(names: readonly string[]): Problem {
  const some = names.slice(0, 10).map((name) => `\`${name}\``);
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : '';
  const message = `The overlay names no operation of the OpenAPI document, which has ${some.join(', ') || 'none'}${more}.`;
  return { level: 'error', code: 'INVALID_SOURCE_SCHEMA', message, locations: [] };
}

/** The operation that a field names; a problem where there is none, or several. */
function operationOf(
  { name }: FieldDefinitionNode,
  operations: ReadonlyMap<string, readonly Operation[]>,
): Operation | Problem {
  const found = operations.get(name.value) ?? [];
  if (found.length === 1) return found[0]!;
  const [nearest] = suggestionList(name.value, [...operations.keys()]);
  const suggestion = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
  const message =
    found.length === 0
      ? `The OpenAPI document has no operation \`${name.value}\`.${suggestion}`
      : `\`${name.value}\` names several operations of the OpenAPI document: ${found.map(({ title }) => title).join(', ')}. Give them an \`operationId\` each.`;
  const { start, source } = name.loc!;
  return { level: 'error', code: 'INVALID_SOURCE_SCHEMA', message, locations: [locate(source, start)] };
}

/** The fields of a root type in an overlay, each once. */
function fieldsOf({ definitions }: DocumentNode, root: string): FieldDefinitionNode[] {
  const fields = new Map<string, FieldDefinitionNode>();
  for (const node of definitions)
    if (
      (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) &&
      node.name.value === root
    )
      for (const field of node.fields ?? []) fields.set(field.name.value, field);
  return [...fields.values()];
}
