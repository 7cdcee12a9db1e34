import {
  type ConstDirectiveNode,
  type DocumentNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
} from 'graphql';
import { Features } from '../../schema/supergraph/features';
import { argumentsOf } from '../../schema/supergraph/sdl';

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
export function readCostDirectives(
  document: DocumentNode,
  features = new Features(document),
): CostDirectives | undefined {
  if (features.named('cost') === undefined) return undefined;
  const cost = features.directiveOf('cost');
  const listSize = features.directiveOf('cost', 'listSize');
  const weights = new Map<string, number>();
  const listSizes = new Map<string, ListSize>();
  const read = (coordinate: string, directives: readonly ConstDirectiveNode[] = []): void => {
    for (const directive of directives) {
      if (directive.name.value === cost) {
        const weight = Number(argumentsOf(directive)['weight']);
        if (Number.isFinite(weight)) weights.set(coordinate, weight);
      } else if (directive.name.value === listSize) {
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
