import type { RequestSummary } from '../../gateway/console/api';
import { linkTo } from '../link-to';
import { DurationBar } from './duration-bar';
import { clock, counted, moment } from './format';
import { CacheResult, operationName, Outcome } from './request-badges';
import { Marked } from './marked';
import { Name } from './name';
import type { Column } from './table';

/**
 * The columns of a list of requests.
 *
 * @param longest the longest duration in it, in milliseconds
 * @param own the gateway of those that name none; undefined where gateways are not shown
 */
export const requestColumns = (longest: number, own?: string): Column<RequestSummary>[] => [
  {
    title: 'Time',
    isExtra: true,
    cell: ({ at }) => (
      <time class="muted" dateTime={new Date(at).toISOString()} title={moment(at)}>
        {clock(at)}
      </time>
    ),
  },
  {
    title: 'Operation',
    cell: (request) => (
      <div class="operation broad">
        <a href={linkTo(['requests', request.id])}>
          <Name text={operationName(request)} />
        </a>
        {request.operation && !['', 'query'].includes(request.operation.type) && (
          <span class="muted">{request.operation.type}</span>
        )}
        {request.graph && (
          <a class="muted" href={linkTo(['requests'], { graph: request.graph })}>
            <Name text={request.graph} />
          </a>
        )}
        <span class="only-narrow muted">{clock(request.at)}</span>
      </div>
    ),
  },
  {
    title: 'Client',
    isExtra: true,
    cell: ({ client }) =>
      client === undefined ? (
        <span class="muted">–</span>
      ) : (
        <span class="client" title={`${client.name} ${client.version}`}>
          <Name text={client.name} />{' '}
          <span class="muted">
            <Name text={client.version} />
          </span>
        </span>
      ),
  },
  ...(own === undefined ? [] : [gatewayColumn(own)]),
  {
    title: 'Outcome',
    cell: (request) => (
      <div class="broad">
        <Outcome request={request} />
        {request.refused?.[0] && (
          <span class="muted reason">
            <Marked text={request.refused[0].message} />
          </span>
        )}
      </div>
    ),
  },
  { title: 'Cache', isExtra: true, cell: ({ cache }) => <CacheResult result={cache} /> },
  {
    title: 'Calls',
    isExtra: true,
    isNumber: true,
    cell: ({ calls: { planned, sent } }) => (
      <span title={`${counted(planned, 'call')} planned, ${sent} sent`}>
        {sent}
        <span class="muted"> of {planned}</span>
      </span>
    ),
  },
  {
    title: 'Missing',
    isExtra: true,
    isNumber: true,
    cell: ({ missing }) => (missing ? missing : <span class="muted">{missing ?? '–'}</span>),
  },
  { title: 'Took', isNumber: true, cell: ({ ms }) => <DurationBar ms={ms} longest={longest} /> },
];

const gatewayColumn = (own: string): Column<RequestSummary> => ({
  title: 'Gateway',
  isExtra: true,
  cell: ({ gateway = own }) => (
    <span class="client" title={gateway}>
      {gateway}
    </span>
  ),
});
