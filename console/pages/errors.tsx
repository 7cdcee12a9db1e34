import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { CountedError, ErrorsReport } from '../../gateway/console/api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Card } from '../parts/card';
import { counted } from '../parts/format';
import { Name } from '../parts/name';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { SearchForm } from '../parts/search-form';
import { Answered, Empty } from '../parts/states';
import { Subgraph } from '../parts/subgraph';
import { type Column, countColumn, Table } from '../parts/table';
import { When } from '../parts/when';
import { linkTo } from '../link-to';

const pollEvery = 10_000;
/** More than fit in a window. */
const firstRows = 50;

/** Requests with errors: which, where, for whom, since when. */
export function Errors({ about, route }: PageProps): JSX.Element {
  const [isPaused, setPaused] = useState(false);
  const [search, setSearch] = useState('');
  const answer = useApi<ErrorsReport>(`/errors${queryOf(route)}`, isPaused ? undefined : pollEvery);
  const gateways = useGateways(about, isPaused);
  const chosen = route.query.get('operation') ?? '';
  return (
    <>
      <PageHeading title="Errors" route={route} gateways={gateways} isPaused={isPaused} pause={setPaused} />
      <Answered answer={answer} what="the errors">
        {({ errors, others }) => {
          const ofChosen = errors.filter(({ operation }) => chosen === '' || operation.key === chosen);
          const name = chosen === '' ? undefined : nameOf(ofChosen[0]?.operation);
          return (
            <>
              <SearchForm
                label="Search by code, path, subgraph, client or operation"
                placeholder="Code, path, subgraph, client or operation"
                value={search}
                change={setSearch}
              >
                {name !== undefined && (
                  <a class="button chip" href={linkTo(['errors'])}>
                    <span class="muted">operation</span> {name} <span aria-hidden="true">×</span>
                    <span class="unseen">: show all</span>
                  </a>
                )}
              </SearchForm>
              <List errors={ofChosen} search={search.trim().toLowerCase()} />
              {others.requests > 0 && (
                <p class="note muted">
                  Another {counted(others.requests, 'error')} of requests came too rarely to have a row.
                </p>
              )}
            </>
          );
        }}
      </Answered>
    </>
  );
}

function List({
  errors,
  search,
}: {
  readonly errors: readonly CountedError[];
  readonly search: string;
}): JSX.Element {
  if (errors.length === 0)
    return (
      <Empty title="No request had an error">
        <p>In the last 24 hours, or since the gateway started.</p>
      </Empty>
    );
  const found = errors.filter(({ code, path, service, client, operation }) =>
    [code, path, service, client.name, operation.name].some((each) => each.toLowerCase().includes(search)),
  );
  return (
    <Card
      title="Requests with errors"
      aside={<span class="muted">the last 24 hours</span>}
      help={['A request counts once for each error, however often its answer has it.', 'errors']}
    >
      <Table
        caption="Errors, the most frequent first"
        rows={found}
        most={firstRows}
        keyOf={({ code, path, service, client, operation }) =>
          [code, path, service, client.name, client.version, operation.key].join('\n')
        }
        empty={<p class="muted">No error matches.</p>}
        columns={columns}
      />
    </Card>
  );
}

const clientOf = ({ name, version }: CountedError['client']): string =>
  name === '' ? 'without a name' : `${name} ${version}`;

const nameOf = (operation: CountedError['operation'] | undefined): string =>
  operation === undefined ? 'an operation without errors' : operation.name || 'no operation';

const columns: readonly Column<CountedError>[] = [
  {
    title: 'Error',
    cell: (row) => (
      <div class="error">
        <a href={requestsWith(row)}>
          <Name text={row.code} />
        </a>
        {row.path !== '' && (
          <code>
            <Name text={row.path} />
          </code>
        )}
        <span class="only-narrow muted">
          <Name text={clientOf(row.client)} /> · since <When at={row.first} />
        </span>
      </div>
    ),
    sort: ({ code, path }) => `${code} ${path}`,
  },
  {
    title: 'Subgraph',
    cell: ({ service }) =>
      service === '' ? <span class="muted">the gateway</span> : <Subgraph name={service} />,
    isExtra: true,
    sort: ({ service }) => service,
  },
  {
    title: 'Operation',
    cell: ({ operation }) => (
      <a class="operation" href={linkTo(['errors'], { operation: operation.key })}>
        <Name text={nameOf(operation)} />
      </a>
    ),
    isExtra: true,
    sort: ({ operation }) => operation.name,
  },
  {
    title: 'Client',
    cell: ({ client }) => (
      <span class="client" title={clientOf(client)}>
        <Name text={clientOf(client)} />
      </span>
    ),
    isExtra: true,
    sort: ({ client }) => clientOf(client),
  },
  countColumn('Requests', 'requests'),
  {
    title: 'First seen',
    cell: ({ first }) => <When at={first} />,
    isExtra: true,
    isNumber: true,
    sort: ({ first }) => first,
  },
  {
    title: 'Last seen',
    cell: ({ last, example }) => (
      <a href={linkTo(['requests', example])} title="Open the last of them">
        <When at={last} />
      </a>
    ),
    isNumber: true,
    sort: ({ last }) => last,
  },
];

/** The recorded requests of a row. */
const requestsWith = ({ code, client, operation }: CountedError): string =>
  linkTo(['requests'], {
    ...{ search: code, failed: '1', client: client.name },
    operation: /^\w+$/.test(operation.name) ? operation.name : '',
  });
