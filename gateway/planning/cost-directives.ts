import {
  type ConstDirectiveNode,
  type DocumentNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  valueFromASTUntyped,
} from 'graphql';

/** The `@cost` and `@listSize` directives of a supergraph (https://specs.apollo.dev/cost/v0.1), by coordinate. */
export interface CostDirectives {
  /** `Type`, `Type.field`, `Type.field(argument:)`, `Input.field`. */
  readonly weights: ReadonlyMap<string, number>;
  /** `Type.field`. */
  readonly listSizes: ReadonlyMap<string, ListSize>;
}

/** The arguments of one `@listSize`. */
export interface ListSize {
  readonly assumedSize: number | undefined;
  readonly slicingArguments: readonly string[] | undefined;
  readonly sizedFields: readonly string[] | undefined;
  readonly requireOneSlicingArgument: boolean;
}

/** Reads the directives under the names that the supergraph imports them by; undefined when it has none. */
export function readCostDirectives(document: DocumentNode): CostDirectives | undefined {
  const names = importedNames(document);
  if (names === undefined) return undefined;
  const weights = new Map<string, number>();
  const listSizes = new Map<string, ListSize>();
  const read = (coordinate: string, directives: readonly ConstDirectiveNode[] = []): void => {
    for (const directive of directives) {
      if (directive.name.value === names.cost) {
        const weight = Number(argumentsOf(directive)['weight']);
        if (Number.isFinite(weight)) weights.set(coordinate, weight);
      } else if (directive.name.value === names.listSize) {
        listSizes.set(coordinate, listSizeOf(argumentsOf(directive)));
      }
    }
  };
  for (const definition of document.definitions) {
    if (!isTypeDefinitionNode(definition) && !isTypeExtensionNode(definition)) continue;
    const type = definition.name.value;
    read(type, definition.directives);
    if (!('fields' in definition)) continue;
    for (const field of definition.fields ?? []) {
      const coordinate = `${type}.${field.name.value}`;
      read(coordinate, field.directives);
      if (!('arguments' in field)) continue;
      for (const argument of field.arguments ?? []) {
        read(`${coordinate}(${argument.name.value}:)`, argument.directives);
      }
    }
  }
  return { weights, listSizes };
}

/** The names that `@link` gives them (https://specs.apollo.dev/link/v1.0); undefined if they are not linked. */
function importedNames({
  definitions,
}: DocumentNode): { readonly cost: string; readonly listSize: string } | undefined {
  for (const definition of definitions) {
    if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue;
    for (const directive of definition.directives ?? []) {
      const link = argumentsOf(directive);
      if (typeof link['url'] !== 'string' || !link['url'].startsWith('https://specs.apollo.dev/cost/'))
        continue;
      const namespace = typeof link['as'] === 'string' ? link['as'] : 'cost';
      const imports = new Map<string, string>();
      for (const each of Array.isArray(link['import']) ? (link['import'] as unknown[]) : []) {
        if (typeof each === 'string') imports.set(each, each);
        else if (isImport(each)) imports.set(each.name, each.as ?? each.name);
      }
      return {
        cost: imports.get('@cost')?.slice(1) ?? namespace,
        listSize: imports.get('@listSize')?.slice(1) ?? `${namespace}__listSize`,
      };
    }
  }
  return undefined;
}

const isImport = (value: unknown): value is { readonly name: string; readonly as?: string } =>
  typeof value === 'object' && value !== null && 'name' in value;

function argumentsOf(directive: ConstDirectiveNode): Record<string, unknown> {
  return Object.fromEntries(
    (directive.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]),
  );
}

function listSizeOf(values: Record<string, unknown>): ListSize {
  const texts = (value: unknown) =>
    Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;
  return {
    assumedSize: typeof values['assumedSize'] === 'number' ? values['assumedSize'] : undefined,
    slicingArguments: texts(values['slicingArguments']),
    sizedFields: texts(values['sizedFields']),
    requireOneSlicingArgument: values['requireOneSlicingArgument'] !== false,
  };
}
