import { Fragment, type JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { OperationFacts, OperationsReport } from '../../gateway/console/api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Card } from '../parts/card';
import { Sparkline } from '../parts/chart';
import { count, duration, share } from '../parts/format';
import { Name } from '../parts/name';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { SearchForm } from '../parts/search-form';
import { Answered, Empty } from '../parts/states';
import { type Column, countColumn, Table } from '../parts/table';
import { When } from '../parts/when';
import { linkTo } from '../link-to';
import { addressOf } from '../route';

const pollEvery = 10_000;
/** More than fit in a window. */
const firstRows = 40;

const ranges = { quarter: 'the last 15 minutes', hour: 'the last hour', day: 'the last 24 hours' };

/** Requests by operation: which is used, fails, is slow. */
export function Operations({ about, route }: PageProps): JSX.Element {
  const range = route.query.get('range') ?? 'day';
  const [isPaused, setPaused] = useState(false);
  const [search, setSearch] = useState('');
  const query = queryOf(route);
  const answer = useApi<OperationsReport>(
    `/operations${query === '' ? '?' : `${query}&`}range=${range}`,
    isPaused ? undefined : pollEvery,
  );
  const gateways = useGateways(about, isPaused);
  const choose = (chosen: string): void =>
    location.replace(addressOf(['operations'], { ...Object.fromEntries(route.query), range: chosen }));
  return (
    <>
      <PageHeading
        title="Operations"
        route={route}
        gateways={gateways}
        isPaused={isPaused}
        pause={setPaused}
      />
      <SearchForm
        label="Search by operation or client"
        placeholder="Operation or client"
        value={search}
        change={setSearch}
      >
        <label class="select">
          <span>Of</span>
          <select value={range} onChange={(event) => choose(event.currentTarget.value)}>
            {Object.entries(ranges).map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </SearchForm>
      <Answered answer={answer} what="the operations">
        {(report) => <List report={report} search={search.trim().toLowerCase()} isOld={answer.isOld} />}
      </Answered>
    </>
  );
}

function List({
  report: { operations, since, step },
  search,
  isOld,
}: {
  readonly report: OperationsReport;
  readonly search: string;
  readonly isOld: boolean;
}): JSX.Element {
  const found = operations.filter(({ name, clients }) =>
    [name, ...clients.map((client) => client.name)].some((each) => each.toLowerCase().includes(search)),
  );
  if (operations.length === 0)
    return (
      <Empty title="No request was counted yet">
        <p>All requests are counted, also those that are not recorded.</p>
      </Empty>
    );
  return (
    <div class={isOld ? 'fading' : ''}>
      <Card
        title="Requests by operation"
        aside={
          <span class="muted">
            since <When at={since} />
          </span>
        }
        help={[
          `One point of a trend = ${step / 60_000} minutes. Operations that differ only in values or aliases are one.`,
          'operations',
        ]}
      >
        <Table
          caption="Requests by operation, those that fail most first"
          rows={found}
          most={firstRows}
          keyOf={({ key }) => key}
          empty={<p class="muted">No operation matches.</p>}
          columns={columns}
        />
      </Card>
    </div>
  );
}

const latency = (name: 'p50' | 'p95' | 'p99', isExtra: boolean): Column<OperationFacts> => ({
  title: name,
  cell: (row) => (row[name] === null ? '–' : duration(row[name])),
  isNumber: true,
  isExtra,
  sort: (row) => row[name] ?? -1,
});

const columns: readonly Column<OperationFacts>[] = [
  {
    title: 'Operation',
    cell: (row) => (
      <span class="operation">
        <OperationLink operation={row} />
        {row.type !== '' && row.type !== 'query' && <span class="muted">{row.type}</span>}
      </span>
    ),
    sort: ({ name }) => name,
  },
  countColumn('Requests', 'requests'),
  {
    title: 'Failed',
    cell: (row) =>
      row.failed === 0 ? (
        '0'
      ) : (
        <a class="bad" href={linkTo(['errors'], { operation: row.key })}>
          {`${count(row.failed)} (${share(row.failed / row.requests)})`}
          <span class="unseen"> of {titleOf(row)} failed</span>
        </a>
      ),
    isNumber: true,
    sort: ({ failed, requests }) => failed / requests,
  },
  latency('p50', true),
  latency('p95', true),
  latency('p99', false),
  {
    title: 'Cached',
    cell: ({ cached }) => share(cached),
    isNumber: true,
    isExtra: true,
    sort: ({ cached }) => cached,
  },
  {
    title: 'Calls per request',
    cell: ({ callsPerRequest }) => callsPerRequest.toFixed(1),
    isNumber: true,
    isExtra: true,
    sort: ({ callsPerRequest }) => callsPerRequest,
  },
  {
    title: 'Clients',
    cell: ({ clients, hasMoreClients }) => {
      const names = [...new Set(clients.map(({ name }) => name || 'without a name'))];
      return (
        <span class="client" title={clients.map(({ name, version }) => `${name} ${version}`).join(', ')}>
          {names.map((name, i) => (
            <Fragment key={name}>
              {i > 0 && ', '}
              <Name text={name} />
            </Fragment>
          ))}
          {hasMoreClients && ' and others'}
        </span>
      );
    },
    isExtra: true,
    sort: ({ clients, hasMoreClients }) => -clients.length - (hasMoreClients ? 1 : 0),
  },
  {
    title: 'Trend',
    cell: (row) => (
      <Sparkline
        summary={`Requests for ${titleOf(row)} over time: at most ${count(Math.max(...row.trend))}`}
        values={row.trend}
      />
    ),
    isExtra: true,
    sort: ({ trend }) => trend.at(-1)!,
  },
];

const titleOf = ({ key, name }: OperationFacts): string => titles[key] ?? name;
const titles: Readonly<Record<string, string | undefined>> = {
  other: 'all other operations',
  refused: 'refused before the operation was known',
};

/** Leads to the recorded requests of the operation. */
function OperationLink({ operation }: { readonly operation: OperationFacts }): JSX.Element {
  const { key, name, id } = operation;
  if (key === 'other') return <i>{titleOf(operation)}</i>;
  if (key === 'refused') return <a href={linkTo(['requests'], { failed: '1' })}>{titleOf(operation)}</a>;
  return (
    <a href={linkTo(['requests'], { operation: id === '' ? name : id })}>
      <Name text={name} />
    </a>
  );
}
