import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ServiceGraph, SchemaView, SupergraphVersion } from '../../gateway/console/api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Badge } from '../parts/badge';
import { Card, Facts } from '../parts/card';
import { Changes } from '../parts/changes';
import { duration, moment, rate, share } from '../parts/format';
import { PageHeading, queryOf, useGateways } from '../parts/gateways';
import { SchemaBrowser } from '../parts/schema-browser';
import { kindOf, ServiceMap, statusOf } from '../parts/service-map';
import { Answered, Empty } from '../parts/states';
import { Subgraph } from '../parts/subgraph';
import { Table } from '../parts/table';

const pollEvery = 5_000;

/** Who calls whom, and the schema with its owners and users. */
export function Graph({ about, route }: PageProps): JSX.Element {
  const [type] = route.rest;
  const graph = useApi<ServiceGraph>(`/graph${queryOf(route)}`, pollEvery);
  const gateways = useGateways(about);
  const schema = useApi<SchemaView>('/schema');
  const browser = (
    <Answered answer={schema} what="the schema">
      {(view) => (
        <>
          {view.troubles.map((trouble) => (
            <p key={trouble} class="bad">
              {trouble}
            </p>
          ))}
          <SchemaBrowser schema={view} chosen={type} />
        </>
      )}
    </Answered>
  );
  return (
    <>
      <PageHeading title="Graph" route={route} gateways={gateways} />
      {type === undefined && (
        <Answered answer={graph} what="the graph">
          {(view) => <Services graph={view} />}
        </Answered>
      )}
      {type === undefined && schema.data && <Version version={schema.data.version} />}
      {browser}
    </>
  );
}

function Services({ graph }: { readonly graph: ServiceGraph }): JSX.Element {
  const [chosen, choose] = useState<string>();
  const service = graph.services.find(({ name }) => name === chosen);
  if (graph.services.length === 0)
    return (
      <Empty title="There is no supergraph yet">
        <p>The gateway keeps trying to get one. Its log says why it has none.</p>
      </Empty>
    );
  return (
    <>
      <Card
        title="Services"
        aside={<span class="muted">last one or two minutes</span>}
        help={[
          'The wider a line, the more calls. A line between two services: calls of one need data of the other.',
          'graph',
        ]}
      >
        <p class="only-narrow muted">
          Called by the gateway for{' '}
          {graph.clients.map(({ name, rate: calls }) => `${name || 'others'} (${rate(calls)})`).join(', ') ||
            'nobody'}
        </p>
        <ServiceMap graph={graph} chosen={chosen} choose={choose} />
      </Card>
      {service && <Chosen graph={graph} service={service} />}
      <Card title="Services in figures" help={['Calls per second, and how many of them failed.', 'graph']}>
        <Table
          caption="Calls of services in the last one or two minutes"
          rows={graph.services}
          keyOf={({ name }) => name}
          columns={[
            {
              title: 'Service',
              cell: ({ name }) => (
                <button class="plain" aria-pressed={name === chosen} onClick={() => choose(name)}>
                  <Subgraph name={name} />
                </button>
              ),
              sort: ({ name }) => name,
            },
            { title: 'Calls', cell: (row) => rate(row.rate), isNumber: true, sort: (row) => row.rate },
            {
              title: 'Failed',
              cell: ({ errors }) => (errors === 0 ? '0 %' : <span class="bad">{share(errors)}</span>),
              isNumber: true,
              sort: ({ errors }) => errors,
            },
            {
              title: 'p50',
              cell: ({ p50 }) => (p50 === null ? '–' : duration(p50)),
              isNumber: true,
              isExtra: true,
              sort: ({ p50 }) => p50 ?? 0,
            },
            {
              title: 'p99',
              cell: ({ p99 }) => (p99 === null ? '–' : duration(p99)),
              isNumber: true,
              sort: ({ p99 }) => p99 ?? 0,
            },
            {
              title: 'Needs data of',
              cell: ({ name }) =>
                graph.edges
                  .filter(({ from, to }) => to === name && from !== 'gateway')
                  .map(({ from, rate: calls }) => (
                    <div key={from}>
                      <Subgraph name={from} /> <span class="muted">{rate(calls)}</span>
                    </div>
                  )),
              isExtra: true,
            },
            { title: 'State', cell: (row) => statusOf(row) },
          ]}
        />
      </Card>
    </>
  );
}

function Chosen({
  graph,
  service,
}: {
  readonly graph: ServiceGraph;
  readonly service: ServiceGraph['services'][number];
}): JSX.Element {
  const { name, link, endpoints, p50, p99, errors } = service;
  const needs = graph.edges.filter(({ from, to }) => to === name && from !== 'gateway');
  return (
    <Card title={name} aside={<span class="muted">{statusOf(service)}</span>}>
      <Facts
        facts={[
          ['Kind', kindOf(service) ?? 'Federation subgraph'],
          ['Calls', rate(service.rate)],
          ['Failed', share(errors)],
          ['p50', p50 === null ? undefined : duration(p50)],
          ['p99', p99 === null ? undefined : duration(p99)],
          [
            'Knows the gateway by',
            link && (link === 'private' ? 'the private link' : 'AWS AppSync’s authentication'),
          ],
          [
            'Needs data of',
            needs.length === 0
              ? undefined
              : needs.map(({ from, rate: calls }) => `${from} (${rate(calls)})`).join(', '),
          ],
        ]}
      />
      <h3>Endpoints</h3>
      <ul class="sentences">
        {endpoints.map(({ url, zone, healthy, knownTo, openAt }) => (
          <li key={url}>
            <code>{url}</code> {zone !== undefined && <span class="muted">in {zone} </span>}
            {healthy ? (
              <Badge tone="good">✓ called</Badge>
            ) : (
              <Badge tone="bad">✕ circuit breaker open{openAt && ` at ${openAt.join(', ')}`}</Badge>
            )}
            {knownTo && <span class="muted"> known to {knownTo.join(', ')}</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Version({ version }: { readonly version: SupergraphVersion }): JSX.Element {
  const { id, source, at, changes, before } = version;
  return (
    <Card title="The supergraph that runs" help={['What all requests are planned by.', 'graph']}>
      <Facts
        facts={[
          [at === undefined ? 'Hash' : 'Version', id],
          ['From', source],
          ['Published', at === undefined ? undefined : moment(at)],
        ]}
      />
      {changes && (
        <>
          <h3>{`What clients see that version ${before} did not have`}</h3>
          <Changes changes={changes} />
        </>
      )}
    </Card>
  );
}
