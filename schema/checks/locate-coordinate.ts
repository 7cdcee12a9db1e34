import { type DefinitionNode, parse, Source } from 'graphql';
import type { SubgraphSchema } from '../composition/compose';
import { type LocatedNode, locateNode, type ProblemLocation } from '../composition/problem';

/**
 * Where subgraphs define the element of a schema coordinate. If the element does not exist, or is in no text, as what comes
 * from an OpenAPI document, its nearest parent: for a removed field, its type.
 */
export function locateCoordinate(
  coordinate: string | undefined,
  subgraphs: readonly SubgraphSchema[],
): ProblemLocation[] {
  const [typeName, memberName, argumentName] = coordinate?.split(/[.(:)]+/) ?? [];
  if (typeName === undefined || typeName === '') return [];
  const found = subgraphs.flatMap(({ name, sdl, file, document = parse(new Source(sdl, file)) }) => {
    const definitions = document.definitions.filter(
      (definition): definition is TypeDefinition =>
        'name' in definition && definition.name.value === typeName,
    );
    return definitions.flatMap((definition) => {
      const member = membersOf(definition).find((each) => each.name.value === memberName);
      const argument = (member?.arguments ?? []).find((each) => each.name.value === argumentName);
      const elements = [definition, member, argument];
      const depth = elements.findLastIndex((each) => each?.name.loc !== undefined);
      return depth < 0 ? [] : [{ depth, location: locateNode(elements[depth]!.name, name)[0]! }];
    });
  });
  const deepest = Math.max(...found.map(({ depth }) => depth));
  return found.filter(({ depth }) => depth === deepest).map(({ location }) => location);
}

interface Named {
  readonly name: LocatedNode & { readonly value: string };
  readonly arguments?: readonly Named[] | undefined;
}

type TypeDefinition = DefinitionNode & Named;

function membersOf(definition: TypeDefinition): readonly Named[] {
  if ('fields' in definition) return definition.fields ?? [];
  if ('values' in definition) return definition.values ?? [];
  return [];
}
