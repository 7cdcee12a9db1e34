/** The `@cost` and `@listSize` directives of a supergraph (https://specs.apollo.dev/cost/v0.1). */
import { type DocumentNode, isTypeDefinitionNode } from 'graphql';
import { type Features } from './features';
import { type Annotated, type Applied, applied } from './sdl';

/** By coordinate. */
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
export function readCostDirectives(document: DocumentNode, features: Features): CostDirectives | undefined {
  const cost = features.directiveOf('cost');
  if (cost === undefined) return undefined;
  const listSize = features.directiveOf('cost', 'listSize');
  const weights = new Map<string, number>();
  const listSizes = new Map<string, ListSize>();
  const read = (coordinate: string, node: Annotated): void => {
    for (const { weight } of applied(node, cost))
      if (Number.isFinite(Number(weight))) weights.set(coordinate, Number(weight));
    for (const given of applied(node, listSize)) listSizes.set(coordinate, listSizeOf(given));
  };
  for (const definition of document.definitions) {
    if (!isTypeDefinitionNode(definition)) continue;
    const type = definition.name.value;
    read(type, definition);
    if (!('fields' in definition)) continue;
    for (const field of definition.fields ?? []) {
      const coordinate = `${type}.${field.name.value}`;
      read(coordinate, field);
      for (const argument of ('arguments' in field && field.arguments) || [])
        read(`${coordinate}(${argument.name.value}:)`, argument);
    }
  }
  return { weights, listSizes };
}

function listSizeOf({
  assumedSize,
  slicingArguments,
  sizedFields,
  requireOneSlicingArgument,
}: Applied): ListSize {
  const texts = (value: unknown) =>
    Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;
  return {
    assumedSize: typeof assumedSize === 'number' ? assumedSize : undefined,
    slicingArguments: texts(slicingArguments),
    sizedFields: texts(sizedFields),
    requireOneSlicingArgument: requireOneSlicingArgument !== false,
  };
}
