import type { JSX } from 'preact';
import type {
  CachesView,
  EntityFigures,
  HeldEntries,
  InvalidationKind,
  ShownInvalidation,
  StreamsView,
} from '../../gateway/console/caches-api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { linkTo } from '../link-to';
import { Badge } from '../parts/badge';
import { Card, Facts } from '../parts/card';
import { bytes, count, counted, share } from '../parts/format';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { Name } from '../parts/name';
import { OpenSubscriptions } from '../parts/open-subscriptions';
import { Answered } from '../parts/states';
import { Subgraph } from '../parts/subgraph';
import { type Column, countColumn, Table } from '../parts/table';
import { When } from '../parts/when';

const pollEvery = 5_000;
const firstRows = 15;

/** What caches hold and what was invalidated, and which subscriptions are open. */
export function Caches({ about, route }: PageProps): JSX.Element {
  const caches = useApi<CachesView>(`/caches${queryOf(route)}`, pollEvery);
  const streams = useApi<StreamsView>(`/streams${queryOf(route)}`, pollEvery);
  const gateways = useGateways(about);
  return (
    <>
      <PageHeading title="Caches and streams" route={route} gateways={gateways} />
      <Answered answer={streams} what="the subscriptions">
        {(view) => <OpenSubscriptions {...view} />}
      </Answered>
      <Answered answer={caches} what="the caches">
        {(view) => (
          <>
            <Entities caches={view} />
            <Responses caches={view} />
            <Memory caches={view} />
            <Invalidations {...view.invalidations} />
          </>
        )}
      </Answered>
    </>
  );
}

const hitsOf = ({ hit, stale, miss }: Pick<EntityFigures, 'hit' | 'stale' | 'miss'>): number | undefined =>
  hit + stale + miss === 0 ? undefined : (hit + stale) / (hit + stale + miss);

const shareOf = (value: number | undefined): string => (value === undefined ? '–' : share(value));

/** Where counts and entries are from. */
const Since = ({ since, processes }: CachesView): JSX.Element => (
  <span class="muted">
    counted since <When at={since} />
    {processes > 1 && `, in ${processes} processes`}
  </span>
);

function Entities({ caches }: { readonly caches: CachesView }): JSX.Element {
  return (
    <Card
      title="Entity cache"
      aside={<Since {...caches} />}
      help={[`Entities by type, of each subgraph. ${whereHeld(caches)}`, 'caches-and-streams']}
    >
      <Table
        caption="Entities by type"
        rows={caches.entities}
        most={firstRows}
        keyOf={({ subgraph, type }) => `${subgraph} ${type}`}
        empty={
          <p class="muted">
            No entity was looked up: no subgraph allows its answers to be kept, or none was called.
          </p>
        }
        columns={entityColumns}
      />
    </Card>
  );
}

const whereHeld = ({ store, memory }: CachesView): string =>
  memory === undefined
    ? `What the store (${store}) holds is not read: only what these processes did is counted.`
    : `“In memory” counts valid entries in the memory of the processes, at most 5,000 of each${
        store === 'memory' ? '' : `, and none of the store (${store})`
      }.`;

const held: readonly Column<{ readonly entries: number; readonly bytes: number }>[] = [
  countColumn('In memory', 'entries'),
  { title: 'Size', cell: (row) => bytes(row.bytes), isNumber: true, isExtra: true, sort: (row) => row.bytes },
];

const entityColumns: readonly Column<EntityFigures>[] = [
  { title: 'Type', cell: ({ type }) => <code>{type}</code>, sort: ({ type }) => type },
  {
    title: 'Subgraph',
    cell: ({ subgraph }) => <Subgraph name={subgraph} />,
    sort: ({ subgraph }) => subgraph,
  },
  ...held,
  { title: 'Hits', cell: (row) => shareOf(hitsOf(row)), isNumber: true, sort: (row) => hitsOf(row) ?? 0 },
  {
    title: 'Looked up',
    cell: ({ hit, stale, miss }) => count(hit + stale + miss),
    isNumber: true,
    sort: ({ hit, stale, miss }) => hit + stale + miss,
  },
  countColumn('Stored', 'stored', true),
  {
    title: 'Changed when fetched again',
    cell: ({ refreshed, changed }) => (refreshed === 0 ? '–' : share(changed / refreshed)),
    isNumber: true,
    isExtra: true,
  },
];

function Responses({ caches }: { readonly caches: CachesView }): JSX.Element {
  const { hit, stale, coalesced, miss, pass, stored, entries, bytes: size } = caches.responses;
  return (
    <Card
      title="Response cache"
      aside={<Since {...caches} />}
      help={[
        'How queries were answered. “Not cached” ones had no part in it: their answers may not be kept.',
        'caches-and-streams',
      ]}
    >
      <Facts
        facts={[
          ['Hits', shareOf(hitsOf(caches.responses))],
          ['From the cache', count(hit)],
          ['Stale', count(stale)],
          ['Shared an execution', count(coalesced)],
          ['Misses', count(miss)],
          ['Not cached', count(pass)],
          ['Stored', count(stored)],
          ['In memory', caches.memory && `${count(entries)}, ${bytes(size)}`],
        ]}
      />
      {caches.operations.length > 0 && (
        <Table
          caption="Answers in memory by operation"
          rows={caches.operations}
          most={firstRows}
          keyOf={({ name }) => name}
          columns={[
            {
              title: 'Operation',
              cell: ({ name }) => <a href={linkTo(['requests'], { operation: name })}>{name}</a>,
              sort: ({ name }: HeldEntries) => name,
            },
            ...held,
          ]}
        />
      )}
    </Card>
  );
}

function Memory({ caches: { memory, tags, otherTags } }: { readonly caches: CachesView }): JSX.Element {
  if (memory === undefined) return <></>;
  return (
    <Card
      title="Memory of the caches"
      aside={
        <span class="muted">
          {bytes(memory.bytes)} of {bytes(memory.maxBytes)}, {counted(memory.entries, 'entry', 'entries')}
        </span>
      }
      help={[
        'An invalidation of a tag drops all entries that have it. They take memory until they are looked up or others need it.',
        'caches-and-streams',
      ]}
    >
      <Table
        caption="Entries by tag"
        rows={tags}
        most={firstRows}
        keyOf={({ name }) => name}
        empty={<p class="muted">There is no entry in memory.</p>}
        columns={[
          { title: 'Tag', cell: ({ name }) => <Tag name={name} />, sort: ({ name }: HeldEntries) => name },
          ...held,
        ]}
      />
      {otherTags > 0 && <p class="note muted">{counted(otherTags, 'more tag')}.</p>}
    </Card>
  );
}

const Tag = ({ name }: { readonly name: string }): JSX.Element => (
  <code>
    <Name text={name} />
  </code>
);

const causes: Readonly<Record<InvalidationKind, string>> = {
  operator: 'an operator',
  mutation: 'a mutation',
  answer: 'a subgraph’s answer',
  event: 'an event',
  program: 'the program',
};

function Invalidations({ counts, recent }: CachesView['invalidations']): JSX.Element {
  const hasNames = recent.some(({ gateway }) => gateway !== undefined);
  return (
    <Card
      title="Invalidations"
      help={['The last ones, and how many there were since counting began.', 'caches-and-streams']}
    >
      <Facts
        facts={Object.entries(causes).map(([kind, name]) => [
          `By ${name}`,
          count(counts[kind as InvalidationKind]),
        ])}
      />
      <Table
        caption="The last invalidations"
        rows={recent}
        most={firstRows}
        keyOf={(row) => `${row.at} ${row.kind} ${row.by} ${row.gateway} ${row.tags.join(' ')} ${row.request}`}
        empty={<p class="muted">Nothing was invalidated.</p>}
        columns={[
          { title: 'When', cell: ({ at }) => <When at={at} /> },
          { title: 'By', cell: (row) => <Cause row={row} /> },
          {
            title: 'Tags',
            cell: ({ tags, more }) => (
              <>
                {tags.map((tag) => (
                  <div key={tag}>
                    <Tag name={tag} />
                  </div>
                ))}
                {more > 0 && <span class="muted">{count(more)} more</span>}
              </>
            ),
          },
          ...(hasNames ? [{ title: 'Gateway', cell: ({ gateway }: ShownInvalidation) => gateway }] : []),
        ]}
      />
    </Card>
  );
}

function Cause({ row }: { readonly row: ShownInvalidation }): JSX.Element {
  const { kind, by, because, request, isConfirmed } = row;
  return (
    <>
      {causes[kind]}
      {by !== undefined && ` of ${by}`}
      {because !== undefined &&
        (request === undefined ? (
          ` (${because})`
        ) : (
          <>
            {' '}
            (<a href={linkTo(['requests', request])}>{because}</a>)
          </>
        ))}
      {isConfirmed === false && (
        <>
          {' '}
          <Badge tone="bad">not confirmed</Badge>
        </>
      )}
    </>
  );
}
