import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { OptionsProblem } from '../options/problem';
import type { EventFieldProblem } from '../planning/event-fields';

/** What a supergraph says of the options of events. */
interface KnownNames {
  /** Describes the names in an invalidation that are not in the supergraph, a sentence each. */
  unknownNames(invalidation: Invalidation): readonly string[];
  readonly eventFieldProblems: readonly EventFieldProblem[];
}

/** What the options of events name, and the supergraph does not have. */
export function unknownInEvents(
  { sources, types, subscriptions }: Options['events'],
  { eventFieldProblems, ...supergraph }: KnownNames,
): OptionsProblem[] {
  /** @param name what the sentences call it @param path the option */
  const unknown = (invalidation: Invalidation, name: string, path: readonly string[]): OptionsProblem[] =>
    supergraph.unknownNames(invalidation).map((sentence) => ({
      path,
      sentence: sentence.replace(`\`${name}`, () => `\`${path.join('.')}${name === '' ? '.' : ''}`),
    }));
  return [
    ...Object.entries(sources).flatMap(([name, source]) =>
      source.type === 'subgraph'
        ? unknown({ subgraphs: [source.subgraph] }, 'subgraphs.0', ['events', 'sources', name, 'subgraph'])
        : [],
    ),
    ...Object.entries(types).flatMap(([type, { drop }]) =>
      unknown(drop, '', ['events', 'types', type, 'drop']),
    ),
    ...Object.entries(subscriptions).flatMap(([field, { source }]) => {
      if (source === undefined || Object.hasOwn(sources, source)) return [];
      const path = ['events', 'subscriptions', field, 'source'];
      const known = Object.keys(sources).join(', ') || 'has none';
      return [
        {
          path,
          sentence: `\`${path.join('.')}\` must be one of \`events.sources\` (${known}), but got: ${JSON.stringify(source)}.`,
        },
      ];
    }),
    ...eventFieldProblems.map(({ field, member, says }) => {
      const path = ['events', 'subscriptions', field, ...(member === undefined ? [] : [member])];
      return { path, sentence: `\`${path.join('.')}\` ${says}` };
    }),
  ];
}
