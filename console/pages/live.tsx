/** The page *Live*. Over 300 lines: each table lists its columns. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LiveReport, OperatorsView, SeriesName } from '../../gateway/console/api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Badge } from '../parts/badge';
import { Card, HelpLink } from '../parts/card';
import { Chart, type Line, Sparkline } from '../parts/chart';
import { Distribution } from '../parts/distribution';
import { clock, count, duration, rate, share } from '../parts/format';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { Name } from '../parts/name';
import { Said } from '../parts/said';
import { Answered, Empty } from '../parts/states';
import { Subgraph } from '../parts/subgraph';
import { type Column, countColumn, Table } from '../parts/table';
import { linkTo } from '../link-to';

const pollEvery = 5_000;

/** What the gateway does now, and has done in the last 15 minutes. */
export function Live({ about, route }: PageProps): JSX.Element {
  const [isPaused, setPaused] = useState(false);
  const answer = useApi<LiveReport>(`/live${queryOf(route)}`, isPaused ? undefined : pollEvery);
  const gateways = useGateways(about, isPaused);
  return (
    <>
      <PageHeading title="Live" route={route} gateways={gateways} isPaused={isPaused} pause={setPaused} />
      <Answered answer={answer} what="the live figures">
        {(live) =>
          live.series.requests.length === 0 ? (
            <Empty title="The first figures come within seconds">
              <p>A value is taken every 5 seconds. Send something to {about.endpoint} meanwhile.</p>
            </Empty>
          ) : (
            <Figures live={live} />
          )
        }
      </Answered>
    </>
  );
}

function Figures({ live }: { readonly live: LiveReport }): JSX.Element {
  const { series } = live;
  const times = timesOf(live);
  const from = clock(Math.max(live.since, times[0]!));
  return (
    <>
      <p class="muted">
        Since {from}
        {times.length >= mostSteps && ', the last 15 minutes'}. One point = 5 seconds.{' '}
        <HelpLink title="these figures" anchor="live" />
      </p>
      <ul class="tiles">
        <Tile title="Requests" of={series.requests} format={rate} />
        <Tile title="Failed requests" of={series.failed} format={rate} isBad={(value) => value > 0} />
        <Tile title="Latency, median" of={series.p50} format={duration} />
        <Tile title="Latency, p99" of={series.p99} format={duration} />
        <Tile title="Calls to subgraphs" of={series.calls} format={rate} />
        <Tile
          title="Calls saved"
          help="merged, shared, batched or from a cache"
          of={series.saved}
          format={rate}
        />
        <Tile title="Response cache hits" of={series.hits} format={share} />
        <Tile title="Entity cache hits" of={series.entityHits} format={share} />
        <Tile
          title="Delay of the process, p99"
          help="how late its work begins (event loop): over 100 ms it lacks CPU time"
          of={series.loopDelay}
          format={duration}
          isBad={(value) => value > 100}
        />
        <Tile
          title="Waiting requests"
          help="for a free slot"
          of={series.waiting}
          format={count}
          isBad={(value) => value > 0}
        />
        <Tile
          title="Refused requests"
          help="as the gateway had too much to do"
          of={series.refused}
          format={rate}
          isBad={(value) => value > 0}
        />
        <Tile title="Subscriptions" of={series.streams} format={count} />
      </ul>
      <div class="cards">
        <Plot
          title="Requests"
          help="A request failed if its answer has an error, or a status of 400 and above."
          times={times}
          format={rate}
          lines={[
            { title: 'All', values: series.requests, colour: 'accent' },
            { title: 'Failed', values: series.failed, colour: 'bad' },
          ]}
        />
        <Plot
          title="Latency over time"
          help="Half of the requests took up to p50, 99 % up to p99."
          times={times}
          format={duration}
          lines={[
            { title: 'p50', values: series.p50, colour: 'good' },
            { title: 'p95', values: series.p95, colour: 'warn' },
            { title: 'p99', values: series.p99, colour: 'bad' },
          ]}
        />
        <Plot
          title="Calls to subgraphs"
          help="Saved: merged, shared with other requests, batched, or answered from a cache."
          times={times}
          format={rate}
          lines={[
            { title: 'Sent', values: series.calls, colour: 'accent' },
            { title: 'Saved', values: series.saved, colour: 'good' },
          ]}
        />
        {live.durations.counts.some((each) => each > 0) && (
          <Card
            title="Latency, distribution"
            help={['Queries and mutations of the last 15 minutes. Each bar is a range of durations.', 'live']}
          >
            <Distribution of={live.durations} />
          </Card>
        )}
      </div>
      <Operations live={live} />
      <div class="cards">
        <Errors live={live} />
        <Clients live={live} />
      </div>
      <Services live={live} />
      <Chatty live={live} />
      <Operators view={live.operators} />
    </>
  );
}

/** 15 minutes. */
const mostSteps = 180;

/** The time of each value of a series, in Unix milliseconds. */
function timesOf({ at, step, series }: LiveReport): number[] {
  const newest = Math.floor(at / step) * step;
  const { length } = series.requests;
  return Array.from({ length }, (_, index) => newest - (length - 1 - index) * step);
}

function Tile({
  title,
  help,
  of,
  format,
  isBad = () => false,
}: {
  readonly title: string;
  /** What it means, where the title is not enough. */
  readonly help?: string;
  readonly of: LiveReport['series'][SeriesName];
  readonly format: (value: number) => string;
  readonly isBad?: (value: number) => boolean;
}): JSX.Element {
  const now = of.at(-1) ?? null;
  const most = Math.max(...of.map((value) => value ?? 0));
  return (
    <li class="tile">
      <span class="muted">{title}</span>
      <strong class={now !== null && isBad(now) ? 'bad' : ''}>{now === null ? '–' : format(now)}</strong>
      <Sparkline summary={`${title} over time: at most ${format(most)}`} values={of} />
      {help !== undefined && <span class="muted">{help}</span>}
    </li>
  );
}

/** A chart, and in a sentence what it shows. */
function Plot({
  title,
  help,
  times,
  lines,
  format,
}: {
  readonly title: string;
  readonly help: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}): JSX.Element {
  const said = lines.map(({ title: name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: nothing yet`;
    const now = values.at(-1) ?? null;
    return `${name}: ${now === null ? 'nothing' : format(now)} now, at most ${format(Math.max(...known))}`;
  });
  return (
    <Card title={title} help={[`${help} One point = 5 seconds.`, 'live']}>
      <Chart summary={`${title}. ${said.join('; ')}.`} times={times} lines={lines} format={format} />
    </Card>
  );
}

const latencies = <Row extends { readonly p50: number; readonly p99: number }>(): Column<Row>[] => [
  { title: 'p50', cell: ({ p50 }) => duration(p50), isNumber: true, isExtra: true, sort: ({ p50 }) => p50 },
  { title: 'p99', cell: ({ p99 }) => duration(p99), isNumber: true, sort: ({ p99 }) => p99 },
];

function Operations({ live: { operations } }: { readonly live: LiveReport }): JSX.Element {
  if (operations.length === 0) return <></>;
  return (
    <Card
      title="By operation"
      aside={<a href={linkTo(['operations'])}>Operations</a>}
      help={['Queries and mutations of the last 15 minutes.', 'live']}
    >
      <Table
        caption="Requests by operation"
        rows={operations}
        most={mostShown}
        keyOf={({ type, name }) => `${type} ${name}`}
        columns={[
          {
            title: 'Operation',
            cell: ({ type, name }) => (
              <span class="operation">
                {isNamed(name) ? (
                  <a href={linkTo(['requests'], { operation: name })}>{name}</a>
                ) : (
                  <i>{name}</i>
                )}
                <span class="muted">{type}</span>
              </span>
            ),
            sort: ({ name }) => name,
          },
          countColumn('Requests', 'requests'),
          ...latencies<LiveReport['operations'][number]>(),
        ]}
      />
    </Card>
  );
}

/** Others are not of one operation. */
const isNamed = (name: string): boolean => name !== 'anonymous' && name !== 'other';

function Errors({ live: { codes } }: { readonly live: LiveReport }): JSX.Element {
  if (codes.length === 0) return <></>;
  return (
    <Card
      title="Errors by code"
      aside={<a href={linkTo(['errors'])}>Errors</a>}
      help={['Each error of an answer counts. The page Errors counts requests.', 'live']}
    >
      <Table
        caption="Errors by code and service"
        rows={codes}
        most={mostShown}
        keyOf={({ name, service }) => `${name} ${service}`}
        columns={[
          {
            title: 'Code',
            cell: ({ name }) => (
              <a href={linkTo(['requests'], { search: name, failed: '1' })}>
                <Name text={name || '(none)'} />
              </a>
            ),
            sort: ({ name }) => name,
          },
          {
            title: 'Service',
            cell: ({ service }) =>
              service === undefined ? <span class="muted">the gateway</span> : <Subgraph name={service} />,
            sort: ({ service }) => service ?? '',
          },
          countColumn('Errors', 'count'),
        ]}
      />
    </Card>
  );
}

function Clients({ live: { clients } }: { readonly live: LiveReport }): JSX.Element {
  if (clients.length === 0) return <></>;
  return (
    <Card title="By client" help={['By the names that clients send of themselves.', 'live']}>
      <Table
        caption="Requests by client"
        rows={clients}
        most={mostShown}
        keyOf={({ name, version }) => `${name} ${version}`}
        columns={[
          {
            title: 'Client',
            cell: ({ name }) =>
              name === '' ? (
                <i class="muted">without a name</i>
              ) : (
                <a class="client" title={name} href={linkTo(['requests'], { client: name })}>
                  <Name text={name} />
                </a>
              ),
            sort: ({ name }) => name,
          },
          {
            title: 'Version',
            cell: ({ version }) => <Name text={version} />,
            sort: ({ version }) => version,
          },
          countColumn('Requests', 'requests'),
        ]}
      />
    </Card>
  );
}

function Services({ live: { services } }: { readonly live: LiveReport }): JSX.Element {
  if (services.length === 0) return <></>;
  return (
    <Card
      title="By service"
      aside={<a href={linkTo(['graph'])}>Graph</a>}
      help={['HTTP calls that the gateway sent, by subgraph.', 'live']}
    >
      <Table
        caption="HTTP calls by service"
        rows={services}
        most={mostShown}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Service', cell: ({ name }) => <Subgraph name={name} />, sort: ({ name }) => name },
          countColumn('Calls', 'calls'),
          {
            title: 'Failed',
            cell: ({ calls, errors }) =>
              errors === 0 ? '0' : <span class="bad">{`${count(errors)} (${share(errors / calls)})`}</span>,
            isNumber: true,
            sort: ({ errors }) => errors,
          },
          ...latencies<LiveReport['services'][number]>(),
        ]}
      />
    </Card>
  );
}

function Chatty({ live: { chatty } }: { readonly live: LiveReport }): JSX.Element {
  if (chatty.length === 0) return <></>;
  const advised = chatty.filter(({ advice }) => advice !== '');
  return (
    <Card
      title="Most calls per request"
      help={[
        'Operations and the services that they call. Planned: what the query plan has; fewer are sent where calls are merged, shared, batched or cached.',
        'live',
      ]}
    >
      <Table
        caption="Operations and the services that they call, the most calls per request first"
        rows={chatty}
        most={mostShown}
        keyOf={({ operation, subgraph }) => `${operation} ${subgraph}`}
        columns={[
          { title: 'Operation', cell: ({ operation }) => operation, sort: ({ operation }) => operation },
          {
            title: 'Service',
            cell: ({ subgraph }) => <Subgraph name={subgraph} />,
            sort: ({ subgraph }) => subgraph,
          },
          {
            title: 'Calls per request',
            cell: ({ callsPerRequest }) => callsPerRequest.toFixed(1),
            isNumber: true,
            sort: ({ callsPerRequest }) => callsPerRequest,
          },
          {
            title: 'Planned',
            cell: ({ plannedPerRequest }) => plannedPerRequest.toFixed(1),
            isNumber: true,
            isExtra: true,
            sort: ({ plannedPerRequest }) => plannedPerRequest,
          },
        ]}
      />
      {advised.length > 0 && (
        <ul class="sentences advice">
          {advised.slice(0, mostShown).map(({ operation, subgraph, advice }) => (
            <li key={`${operation} ${subgraph}`}>
              <Said text={advice} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Operators({ view }: { readonly view: OperatorsView | undefined }): JSX.Element {
  if (view === undefined) return <></>;
  const { queues, workflows, troubles } = view;
  return (
    <>
      {troubles.length > 0 && (
        <Card title="Subgraphs without an answer about failure queues and workflows">
          <ul class="sentences">
            {troubles.map((trouble) => (
              <li key={trouble}>{trouble}</li>
            ))}
          </ul>
        </Card>
      )}
      {queues.length > 0 && (
        <Card title="Failure queues" help={['Events that consumers could not handle.', 'live']}>
          <Table
            caption="Failed events by consumer"
            rows={queues}
            keyOf={({ subgraph, consumer }) => `${subgraph} ${consumer}`}
            columns={[
              { title: 'Consumer', cell: ({ consumer }) => consumer, sort: ({ consumer }) => consumer },
              { title: 'Service', cell: ({ subgraph }) => <Subgraph name={subgraph} /> },
              {
                title: 'Failed events',
                cell: ({ failures, hasMore }) =>
                  failures === 0 ? (
                    <Badge tone="good">none</Badge>
                  ) : (
                    <Badge tone="bad">{`${hasMore ? 'at least ' : ''}${count(failures)}`}</Badge>
                  ),
                isNumber: true,
                sort: ({ failures }) => failures,
              },
            ]}
          />
        </Card>
      )}
      {workflows.length > 0 && (
        <Card title="Workflows" help={['Executions that run, or have failed.', 'live']}>
          <Table
            caption="Executions of workflows that run or have failed"
            rows={workflows}
            keyOf={({ subgraph, workflow }) => `${subgraph} ${workflow}`}
            columns={[
              { title: 'Workflow', cell: ({ workflow }) => workflow, sort: ({ workflow }) => workflow },
              { title: 'Service', cell: ({ subgraph }) => <Subgraph name={subgraph} /> },
              { title: 'Running', cell: ({ running }) => count(running), isNumber: true },
              {
                title: 'Failed',
                cell: ({ failed }) => (failed === 0 ? '0' : <span class="bad">{count(failed)}</span>),
                isNumber: true,
                sort: ({ failed }) => failed,
              },
            ]}
          />
        </Card>
      )}
    </>
  );
}

/** Rows of a table, until more are shown. */
const mostShown = 10;
