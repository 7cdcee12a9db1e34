import type { JSX } from 'preact';
import type { StreamField, StreamsView } from '../../gateway/console/caches-api';
import { Card } from './card';
import { count, counted } from './format';
import { Subgraph } from './subgraph';
import { type Column, countColumn, Table } from './table';

/** Which subscriptions are open, by field. */
export function OpenSubscriptions({ clients, fields, others }: StreamsView): JSX.Element {
  return (
    <Card
      title="Open subscriptions"
      aside={<span class="muted">{counted(clients, 'client')}</span>}
      help={[
        'Clients whose answers are the same share an execution, and executions for the same events share one source at the subgraph.',
        'caches-and-streams',
      ]}
    >
      <Table
        caption="Open subscriptions by field"
        rows={fields}
        most={15}
        keyOf={({ field, subgraph, source }) => `${field} ${subgraph} ${source}`}
        empty={<p class="muted">No client has a subscription open.</p>}
        columns={streamColumns}
      />
      {others > 0 && <p class="note muted">{counted(others, 'more field')}.</p>}
    </Card>
  );
}

const streamColumns: readonly Column<StreamField>[] = [
  { title: 'Field', cell: ({ field }) => <code>{field}</code>, sort: ({ field }) => field },
  {
    title: 'Source',
    cell: ({ subgraph, source }) => (
      <>
        <Subgraph name={subgraph} /> <span class="muted">by {source}</span>
      </>
    ),
  },
  {
    title: 'Clients',
    cell: ({ clients, protocols }) => (
      <>
        {count(clients)}
        {Object.entries(protocols).map(([protocol, number]) => (
          <div key={protocol} class="muted">
            {protocol} {count(number)}
          </div>
        ))}
      </>
    ),
    isNumber: true,
    sort: ({ clients }) => clients,
  },
  countColumn('Executions', 'executions', true),
  countColumn('Sources', 'sources'),
  countColumn('Most on one', 'largest'),
];
