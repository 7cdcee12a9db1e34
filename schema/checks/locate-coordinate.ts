import { type DefinitionNode, parse, Source } from 'graphql';
import type { SubgraphSchema } from '../composition/compose';
import { locate, type ProblemLocation } from '../composition/problem';

/**
 * Where subgraphs define the element of a schema coordinate. If the element does not exist, its nearest parent: for a
 * removed field, its type.
 */
export function locateCoordinate(
  coordinate: string | undefined,
  subgraphs: readonly SubgraphSchema[],
): ProblemLocation[] {
  const [typeName, memberName, argumentName] = coordinate?.split(/[.(:)]+/) ?? [];
  if (typeName === undefined || typeName === '') return [];
  const found = subgraphs.flatMap(({ name, sdl, file }) => {
    const source = new Source(sdl, file);
    const definitions = parse(source).definitions.filter(
      (definition): definition is TypeDefinition =>
        'name' in definition && definition.name.value === typeName,
    );
    return definitions.map((definition) => {
      const member = membersOf(definition).find((each) => each.name.value === memberName);
      const argument = (member?.arguments ?? []).find((each) => each.name.value === argumentName);
      const { start } = (argument ?? member ?? definition).name.loc!;
      const depth = argument ? 2 : member ? 1 : 0;
      return { depth, location: locate(source, start, name) };
    });
  });
  const deepest = Math.max(...found.map(({ depth }) => depth));
  return found.filter(({ depth }) => depth === deepest).map(({ location }) => location);
}

interface Named {
  readonly name: { readonly value: string; readonly loc?: { readonly start: number } | undefined };
  readonly arguments?: readonly Named[] | undefined;
}

type TypeDefinition = DefinitionNode & Named;

function membersOf(definition: TypeDefinition): readonly Named[] {
  if ('fields' in definition) return definition.fields ?? [];
  if ('values' in definition) return definition.values ?? [];
  return [];
}
