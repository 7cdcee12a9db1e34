import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { OptionsProblem } from '../options/problem';

/**
 * What the options of events name, and the supergraph does not have.
 *
 * @param unknownNames describes the names in an invalidation that are not in the supergraph, a sentence each
 */
export function unknownInEvents(
  { sources, types }: Options['events'],
  unknownNames: (invalidation: Invalidation) => readonly string[],
): OptionsProblem[] {
  const inside = (path: readonly string[], invalidation: Invalidation): OptionsProblem[] =>
    unknownNames(invalidation).map((sentence) => ({
      path,
      sentence: sentence.replace('`', () => `\`${path.join('.')}.`),
    }));
  return [
    ...Object.entries(sources).flatMap(([name, source]) =>
      source.type === 'subgraph'
        ? unknownNames({ subgraphs: [source.subgraph] }).map((sentence) => ({
            path: ['events', 'sources', name, 'subgraph'],
            sentence: sentence.replace('`subgraphs.0`', `\`events.sources.${name}.subgraph\``),
          }))
        : [],
    ),
    ...Object.entries(types).flatMap(
      ([
        type,
        {
          drop: { entities, ...others },
        },
      ]) => inside(['events', 'types', type, 'drop'], { entities: [...entities], ...others }),
    ),
  ];
}
