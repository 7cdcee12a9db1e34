import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RefusalReasons, RequestSummary } from '../../gateway/console/api';
import { ask, useApi } from '../api';
import type { PageProps } from '../app';
import { PageHeading, useGateways } from '../parts/gateways';
import { RefusedRequests } from '../parts/refusals';
import { requestColumns } from '../parts/request-columns';
import { SearchForm } from '../parts/search-form';
import { Answered, Empty } from '../parts/states';
import { Table } from '../parts/table';
import { addressOf } from '../route';

/** What the list is narrowed by; in the address, so that a link shows the same list. */
const filters = ['search', 'operation', 'client', 'graph', 'failed', 'slowerThan', 'gateway'] as const;
type Filter = Record<(typeof filters)[number], string>;

const slownesses = ['10', '50', '100', '250', '500', '1000', '5000'];
const pollEvery = 2_000;
/** Of groups, which are made of all failed requests. */
const slowly = 5_000;
/** As many as one answer has. */
const pageSize = 200;
/** More than fit in a window. */
const firstRows = 40;

/** The list of recorded requests. */
export function Requests({ about, route }: PageProps): JSX.Element {
  const filter = Object.fromEntries(filters.map((name) => [name, route.query.get(name) ?? ''])) as Filter;
  const [isPaused, setPaused] = useState(false);
  const given = Object.entries(filter).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given).toString();
  const answer = useApi<readonly RequestSummary[]>(
    `/requests${query === '' ? '' : `?${query}`}`,
    isPaused ? undefined : pollEvery,
  );
  const refusals = useApi<RefusalReasons>('/refusals', isPaused ? undefined : slowly);
  const gateways = useGateways(about, isPaused);
  const narrow = (change: Partial<Filter>): void =>
    location.replace(addressOf(['requests'], { ...filter, ...change }));

  return (
    <>
      <PageHeading title="Requests" route={route} gateways={gateways} isPaused={isPaused} pause={setPaused} />
      <Filters filter={filter} narrow={narrow} />
      {refusals.data && <RefusedRequests refusals={refusals.data} />}
      <Answered answer={answer} what="the requests">
        {(requests) => (
          <div class={answer.isOld ? 'fading' : ''}>
            <List
              key={`${query} ${answer.isOld}`}
              newest={requests}
              query={query}
              own={gateways?.own}
              empty={
                given.length > 0 ? (
                  <NoMatch search={filter.search} />
                ) : (
                  <NoRequests endpoint={about.endpoint} sampling={about.recorded.sampling} />
                )
              }
            />
          </div>
        )}
      </Answered>
    </>
  );
}

function Filters({
  filter,
  narrow,
}: {
  readonly filter: Filter;
  readonly narrow: (change: Partial<Filter>) => void;
}): JSX.Element {
  const [search, setSearch] = useState(filter.search);
  // The list follows what is typed, once it rests.
  useEffect(() => {
    if (search === filter.search) return;
    const timer = setTimeout(() => narrow({ search }), 200);
    return () => clearTimeout(timer);
    // Another filter may change before it rests.
  }, [search, narrow]);
  useEffect(() => setSearch(filter.search), [filter.search]);
  return (
    <SearchForm
      label="Search by operation, client, request id, trace id, error code or reason"
      placeholder="Operation, client, id, code or reason"
      value={search}
      change={setSearch}
    >
      <button
        type="button"
        class="button"
        aria-pressed={filter.failed === '1'}
        onClick={() => narrow({ failed: filter.failed === '1' ? '' : '1' })}
      >
        Failed
      </button>
      <label class="select">
        <span>Slower than</span>
        <select
          value={filter.slowerThan}
          onChange={(event) => narrow({ slowerThan: event.currentTarget.value })}
        >
          <option value="">any</option>
          {slownesses.map((ms) => (
            <option key={ms} value={ms}>
              {Number(ms) < 1000 ? `${ms} ms` : `${Number(ms) / 1000} s`}
            </option>
          ))}
        </select>
      </label>
      {(['operation', 'client', 'graph'] as const).map(
        (name) =>
          filter[name] !== '' && (
            <button
              key={name}
              type="button"
              class="button chip"
              aria-label={`Any ${name}, not only ${filter[name]}`}
              onClick={() => narrow({ [name]: '' })}
            >
              <span class="muted">{name}</span> {filter[name]} <span aria-hidden="true">×</span>
            </button>
          ),
      )}
    </SearchForm>
  );
}

/**
 * The newest requests, and older ones if asked for. While somebody is in the list, with the pointer or the keyboard, or has
 * scrolled down, new requests wait behind a button, so that no row moves away.
 */
function List({
  newest,
  query,
  own,
  empty,
}: {
  readonly newest: readonly RequestSummary[];
  readonly query: string;
  /** The name of the gateway that is asked, where several share a store. */
  readonly own: string | undefined;
  readonly empty: JSX.Element;
}): JSX.Element {
  const [shown, setShown] = useState(newest);
  const [older, setOlder] = useState<readonly RequestSummary[]>([]);
  const [hasMore, setMore] = useState(true);
  const [isWhole, setWhole] = useState(false);
  // After the first rows are shown: all of them take as long as a visitor notices.
  useEffect(() => setWhole(true), []);
  const place = useRef<HTMLDivElement>(null);
  const isRead = (): boolean =>
    scrollY > 0 || (place.current?.matches(':hover, :focus-within') ?? false) || older.length > 0;
  useEffect(() => {
    if (!isRead()) setShown(newest);
  }, [newest]);

  const known = new Set(shown.map(({ id }) => id));
  const waiting = newest.filter(({ id }) => !known.has(id)).length;
  const rows = older.length === 0 ? shown : [...shown, ...older];
  const longest = Math.max(...rows.map(({ ms }) => ms), 1);
  const showOlder = async (): Promise<void> => {
    const before = new URLSearchParams(query);
    before.set('before', String(rows.at(-1)!.at));
    const more = await ask<readonly RequestSummary[]>(`/requests?${before}`).catch(() => undefined);
    if (more === undefined) return;
    setOlder([...older, ...more]);
    setMore(more.length === pageSize);
  };
  const showNew = (): void => {
    setShown(newest);
    setOlder([]);
    setMore(true);
    scrollTo(0, 0);
  };

  return (
    <div ref={place}>
      <p class="fresh" role="status">
        {waiting > 0 && (
          <button class="button strong" onClick={showNew}>
            Show {waiting === pageSize ? `${pageSize} or more` : waiting} new
          </button>
        )}
      </p>
      <Table
        caption="Recorded requests, newest first"
        columns={requestColumns(longest, rows.some(({ gateway }) => gateway !== undefined) ? own : undefined)}
        rows={isWhole ? rows : rows.slice(0, firstRows)}
        keyOf={({ id, at }) => `${id} ${at}`}
        empty={empty}
      />
      {hasMore && shown.length === pageSize && (
        <p class="more">
          <button class="button" onClick={() => void showOlder()}>
            Show older requests
          </button>
        </p>
      )}
    </div>
  );
}

const NoMatch = ({ search }: { readonly search: string }): JSX.Element => (
  <Empty title="No recorded request matches">
    <p>
      <a href="#/requests">Show all requests</a>
      {/^[\w-]{8,}$/.test(search) && (
        <>
          , or open <a href={addressOf(['requests', search])}>{search}</a> as the id of a request or a trace
        </>
      )}
      .
    </p>
  </Empty>
);

const NoRequests = ({
  endpoint,
  sampling,
}: {
  readonly endpoint: string;
  readonly sampling: number;
}): JSX.Element => (
  <Empty title={sampling === 0 ? 'Requests are not recorded' : 'No request has been recorded yet'}>
    {sampling === 0 ? (
      <p>
        The option <code>admin.console.sampling</code> says which share of requests is recorded.
      </p>
    ) : (
      <p>
        Send an operation to <code>{endpoint}</code>.{' '}
        {sampling < 1 && (
          <>
            One in {Math.round(1 / sampling)} is recorded: the option <code>admin.console.sampling</code> says
            so.
          </>
        )}
      </p>
    )}
  </Empty>
);
