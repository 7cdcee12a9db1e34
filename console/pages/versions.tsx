import type { ComponentChildren, JSX } from 'preact';
import type {
  PublishedVersion,
  RunningVersion,
  ShownLoad,
  VersionDifference,
  VersionsView,
} from '../../gateway/console/versions-api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { linkTo } from '../link-to';
import { Badge, type Tone } from '../parts/badge';
import { Card } from '../parts/card';
import { Changes } from '../parts/changes';
import { counted } from '../parts/format';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { OptionsInForce } from '../parts/options-in-force';
import { Name } from '../parts/name';
import { Said } from '../parts/said';
import { Answered, Empty } from '../parts/states';
import { Table } from '../parts/table';
import { When } from '../parts/when';

const pollEvery = 5_000;
const firstRows = 15;

/** What was published by whom, what runs, which options are in force, and what was refused. */
export function Versions({ about, route }: PageProps): JSX.Element {
  const [number] = route.rest;
  const answer = useApi<VersionsView>(`/versions${queryOf(route)}`, pollEvery);
  const gateways = useGateways(about);
  return (
    <>
      <PageHeading title="Versions" route={route} gateways={gateways} />
      {number !== undefined && <Difference key={number} number={number} />}
      <Answered answer={answer} what="the versions">
        {(view) => <View view={view} chosen={number} />}
      </Answered>
      <OptionsInForce />
    </>
  );
}

function View({
  view,
  chosen,
}: {
  readonly view: VersionsView;
  readonly chosen: string | undefined;
}): JSX.Element {
  const { source, registry, gateways, loads, troubles } = view;
  return (
    <>
      {troubles.map((trouble) => (
        <p key={trouble} class="bad" role="status">
          {trouble}
        </p>
      ))}
      {registry && (
        <Card
          title="Versions of the graph"
          aside={<span class="muted">{source}</span>}
          help={[
            'The newest first, rejected ones among them. Open a number for what clients see that they did not see before.',
            'versions',
          ]}
        >
          <Published versions={registry.versions} chosen={chosen} />
          {registry.hasMore && (
            <p class="note muted">
              Older ones are listed by <code>weir history</code>.
            </p>
          )}
        </Card>
      )}
      <Card
        title="What runs"
        help={[
          registry
            ? 'The processes that have reported to the registry in the last 90 seconds.'
            : 'The supergraph of each gateway, by the beginning of its hash.',
          'versions',
        ]}
      >
        <Running gateways={gateways} source={source} />
      </Card>
      <Card
        title="Loads and refusals"
        help={['The last supergraphs and options that were taken into use, or not.', 'versions']}
      >
        <Loads loads={loads} />
      </Card>
    </>
  );
}

const kinds: Readonly<Record<PublishedVersion['kind'], Tone>> = {
  published: 'good',
  'rolled-back': 'warn',
  rejected: 'bad',
  ended: 'plain',
};

function Published({
  versions,
  chosen,
}: {
  readonly versions: readonly PublishedVersion[];
  readonly chosen: string | undefined;
}): JSX.Element {
  return (
    <Table
      caption="Versions of the graph, the newest first"
      rows={versions}
      most={firstRows}
      keyOf={({ number }) => `${number}`}
      empty={
        <Empty title="Nothing was published yet">
          <p>
            <code>weir publish</code> does.
          </p>
        </Empty>
      }
      columns={[
        {
          title: 'Version',
          cell: ({ number }) => (
            <a
              href={linkTo(['versions', `${number}`])}
              aria-current={chosen === `${number}` ? 'true' : undefined}
            >
              {number}
            </a>
          ),
        },
        {
          title: 'What',
          cell: ({ kind, changes }) => (
            <>
              <Badge tone={kinds[kind]}>{kind.replace('-', ' ')}</Badge> {changes}
            </>
          ),
        },
        { title: 'By', cell: ({ by }) => <Name text={by} /> },
        { title: 'When', cell: ({ at }) => <When at={at} /> },
        {
          title: 'Commit',
          cell: ({ commit }) => commit !== undefined && <code title={commit}>{commit.slice(0, 12)}</code>,
          isExtra: true,
        },
      ]}
    />
  );
}

/** What one version has changed. */
function Difference({ number }: { readonly number: string }): JSX.Element {
  const answer = useApi<VersionDifference>(`/versions/${encodeURIComponent(number)}`);
  return (
    <Card title={`Version ${number}`}>
      <Answered answer={answer} what="the difference">
        {({ before, changes, errors }) =>
          errors.length > 0 ? (
            <>
              <h3>Why it was rejected: the graph went on without it</h3>
              <ul class="sentences">
                {errors.map((error) => (
                  <li key={error}>
                    <Said text={error} />
                  </li>
                ))}
              </ul>
            </>
          ) : before === undefined ? (
            <p>It is the first one that ran: there is none before it to compare with.</p>
          ) : (
            <>
              <h3>{`What clients see that version ${before} did not have`}</h3>
              <Changes changes={changes} />
            </>
          )
        }
      </Answered>
    </Card>
  );
}

function Running({
  gateways,
  source,
}: {
  readonly gateways: readonly RunningVersion[];
  readonly source: string;
}): JSX.Element {
  return (
    <Table
      caption="Which gateway runs which supergraph"
      rows={gateways}
      most={firstRows}
      keyOf={({ name, supergraph, since }) => `${name} ${supergraph} ${since}`}
      empty={<p class="muted">No gateway runs a supergraph, or none has reported.</p>}
      columns={[
        { title: 'Gateway', cell: ({ name }) => name ?? 'this one' },
        { title: 'Runs', cell: (row) => <Runs row={row} source={source} /> },
        { title: 'Since', cell: ({ since }) => <When at={since} /> },
      ]}
    />
  );
}

function Runs({ row, source }: { readonly row: RunningVersion; readonly source: string }): JSX.Element {
  const { version, supergraph, processes = 1, pinned, refused } = row;
  return (
    <>
      {version !== undefined ? (
        <a href={linkTo(['versions', `${version}`])}>version {version}</a>
      ) : supergraph === undefined ? (
        'nothing yet'
      ) : (
        <>
          <code>{supergraph}</code> of {source}
        </>
      )}
      {processes > 1 && `, ${processes} processes`}
      {pinned !== undefined && `, pinned to ${pinned}`}
      {refused && (
        <p class="bad">
          It refuses version {refused.version}: <Said text={refused.reason} />
        </p>
      )}
    </>
  );
}

const results: Readonly<Record<ShownLoad['result'], readonly [Tone, string]>> = {
  live: ['good', 'live'],
  refused: ['bad', 'refused'],
  unavailable: ['warn', 'unavailable'],
  unchanged: ['plain', 'unchanged'],
};

function Loads({ loads }: { readonly loads: readonly ShownLoad[] }): JSX.Element {
  const hasNames = loads.some(({ gateway }) => gateway !== undefined);
  return (
    <Table
      caption="Loads and refusals, the newest first"
      rows={loads}
      most={firstRows}
      keyOf={(load) => `${load.at} ${load.gateway} ${load.what} ${load.result} ${load.supergraph}`}
      empty={<p class="muted">Nothing was loaded yet.</p>}
      columns={[
        { title: 'When', cell: ({ at }) => <When at={at} /> },
        {
          title: 'What',
          cell: (load) => (
            <>
              {load.what} <Badge tone={results[load.result][0]}>{results[load.result][1]}</Badge>
              <LoadFacts load={load} />
            </>
          ),
        },
        ...(hasNames ? [{ title: 'Gateway', cell: ({ gateway }: ShownLoad) => gateway }] : []),
      ]}
    />
  );
}

function LoadFacts({ load }: { readonly load: ShownLoad }): JSX.Element {
  const { supergraph, changed, more, reason, processes = 1, times } = load;
  const facts: ComponentChildren[] = [
    supergraph !== undefined && <code>{supergraph}</code>,
    changed && (changed.length === 0 ? 'files that they name' : changed.join(', ')),
    more !== undefined && `and ${counted(more, 'more option')}`,
    reason !== undefined && <Said text={reason} />,
    processes > 1 && `in ${processes} processes`,
    times > 1 && `${times} times`,
  ];
  return (
    <>
      {facts
        .filter((fact) => fact !== false && fact !== undefined)
        .map((fact, i) => (
          <span key={i}> {fact}</span>
        ))}
    </>
  );
}
