import { sentenceOf, type UnknownName } from '../cache/unknown-names';
import type { Options } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { OptionsProblem } from '../options/problem';
import type { EventFieldProblem } from '../planning/event-fields';

/** The problems of the options of events with a supergraph. */
interface KnownNames {
  unknownNames(invalidation: Invalidation): readonly UnknownName[];
  readonly eventFieldProblems: readonly EventFieldProblem[];
}

/** What the options of events name, and the supergraph does not have. */
export function unknownInEvents(
  { sources, types, subscriptions }: Options['events'],
  { eventFieldProblems, ...supergraph }: KnownNames,
): OptionsProblem[] {
  const needsSource = Object.keys({ ...types, ...subscriptions }).length > 0;
  return [
    ...(needsSource && Object.keys(sources).length === 0 ? [noSource] : []),
    ...Object.entries(sources).flatMap(([name, source]) => {
      if (source.type !== 'subgraph') return [];
      const path = ['events', 'sources', name, 'subgraph'];
      const unknown = supergraph.unknownNames({ subgraphs: [source.subgraph] });
      return unknown.map(({ message }) => ({ path, sentence: sentenceOf({ path, message }) }));
    }),
    ...Object.entries(types).flatMap(([type, { drop }]) => {
      const within = ['events', 'types', type, 'drop'];
      const unknown = supergraph.unknownNames(drop);
      return unknown.map((each) => ({ path: [...within, ...each.path], sentence: sentenceOf(each, within) }));
    }),
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
    ...eventFieldProblems.map(({ field, member, message }) => {
      const path = ['events', 'subscriptions', field, ...(member === undefined ? [] : [member])];
      return { path, sentence: `\`${path.join('.')}\` ${message}` };
    }),
  ];
}

const noSource: OptionsProblem = {
  path: ['events', 'sources'],
  sentence: '`events.sources` must have a source, or no event is ever heard.',
};
