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
  document: { readonly text: string; readonly file: string },
  overlay: DocumentNode,
): OpenApiImport {
  try {
    return new Importer(new OpenApiDocument(document)).import(overlay);
  } catch (error) {
    if (error instanceof OpenApiError) return { problems: [error.problem] };
    throw error;
  }
}

class Importer {
  readonly #notes = new Notes();
  readonly #types: Types;
  readonly #fields: Fields;
  readonly #operations: ReadonlyMap<string, readonly Operation[]>;
  readonly #problems: Problem[] = [];

  constructor(document: OpenApiDocument) {
    this.#types = new Types(document, this.#notes);
    this.#fields = new Fields(document, this.#types, this.#notes);
    this.#operations = operationsOf(document);
  }

  import(overlay: DocumentNode): OpenApiImport {
    const roots = (['Query', 'Mutation'] as const).flatMap((root) => {
      const fields = fieldsOf(overlay, root).flatMap((field) => this.#field(field, root) ?? []);
      return fields.length === 0 ? [] : [`type ${root} {\n${fields.join('\n\n')}\n}`];
    });
    const { definitions, problems } = this.#types.definitions();
    this.#problems.push(...problems);
    if (this.#problems.length > 0) return { problems: this.#problems };
    return { sdl: `${[...roots, ...definitions].join('\n\n')}\n`, notes: this.#notes.list() };
  }

  #field(field: FieldDefinitionNode, root: 'Query' | 'Mutation'): string | undefined {
    const operation = this.#operation(field);
    if (operation === undefined) return undefined;
    try {
      return this.#fields.write(operation, root);
    } catch (error) {
      if (!(error instanceof OpenApiError)) throw error;
      this.#problems.push(error.problem);
      return undefined;
    }
  }

  #operation({ name }: FieldDefinitionNode): Operation | undefined {
    const [operation, ...others] = this.#operations.get(name.value) ?? [];
    if (operation !== undefined && others.length === 0) return operation;
    let message: string;
    if (operation === undefined) {
      const [nearest] = suggestionList(name.value, [...this.#operations.keys()]);
      const suggestion = nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`;
      message = `The OpenAPI document has no operation \`${name.value}\`.${suggestion}`;
    } else {
      const titles = [operation, ...others].map(({ title }) => title).join(', ');
      message = `\`${name.value}\` names several operations of the OpenAPI document: ${titles}. Give them an \`operationId\` each.`;
    }
    const { start, source } = name.loc!;
    this.#problems.push({
      ...{ level: 'error', code: 'INVALID_SOURCE_SCHEMA', message },
      locations: [locate(source, start)],
    });
    return undefined;
  }
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
