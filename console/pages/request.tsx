/** The page of one request. Over 300 lines: each card of it is a component, which no other page but *Explore* has. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ExplainedNull, ExplainedRequest } from '../../gateway/console/api';
import type { Refusal } from '../../gateway/request/refusals/refusal';
import { ApiError, ask, useApi } from '../api';
import type { PageProps } from '../app';
import { Badge } from '../parts/badge';
import { Card, Facts } from '../parts/card';
import { Copy } from '../parts/copy';
import { count, counted, duration, moment } from '../parts/format';
import { Marked } from '../parts/marked';
import { Name } from '../parts/name';
import { OperationText } from '../parts/operation-text';
import { CacheResult, operationName, Outcome } from '../parts/request-badges';
import { requestColumns } from '../parts/request-columns';
import { Answered, Empty } from '../parts/states';
import { fieldOf } from '../parts/text-lines';
import { colourOf } from '../parts/subgraph-colours';
import { Subgraph } from '../parts/subgraph';
import { Table } from '../parts/table';
import { Timeline } from '../parts/timeline';
import { linkTo } from '../link-to';
import { addressOf } from '../route';

/** One request, explained. */
export function Request({ about, route }: PageProps): JSX.Element {
  const id = route.rest[0]!;
  const answer = useApi<ExplainedRequest>(`/requests/${encodeURIComponent(id)}`);
  if (answer.data === undefined && answer.error?.status === 404)
    return (
      <Empty title={answer.error.message}>
        <p>
          Looked for <code>{id}</code>, as the id of a request and of a trace.{' '}
          <a href="#/requests">Show all requests</a>
        </p>
      </Empty>
    );
  return (
    <Answered answer={answer} what="the request">
      {(request) => <Explained request={request} canWrite={about.canWrite} values={about.recorded.values} />}
    </Answered>
  );
}

function Explained({
  request,
  canWrite,
  values,
}: {
  readonly request: ExplainedRequest;
  readonly canWrite: boolean;
  readonly values: boolean;
}): JSX.Element {
  const [lit, setLit] = useState<string>();
  const { timeline, nulls, others } = request;
  useEffect(() => {
    document.title = `${operationName(request)} · Weir`;
  }, [request]);
  return (
    <>
      <Heading request={request} />
      {request.refused && <Refused refused={request.refused} />}
      {request.lacks && <Lacks lacks={request.lacks} />}
      <Legend names={subgraphsOf(request)} lit={lit} light={setLit} />
      <div class="halves">
        <div>
          <Card
            title="Operation"
            aside={
              request.operation && request.operation.type !== '' && <Badge>{request.operation.type}</Badge>
            }
            help={[
              'A colour is the subgraph that answers a field; ∅ is a value that is null.',
              'one-request-explained',
            ]}
          >
            {request.document === undefined ? (
              <p class="muted">
                {request.operation === undefined
                  ? 'No operation was found in the request.'
                  : request.refused === undefined
                    ? 'The text of the operation is not kept any more.'
                    : 'The text is not shown: it could not be parsed, or is too long.'}
              </p>
            ) : (
              <OperationText document={request.document} nulls={nulls} lit={lit} />
            )}
            {request.variables && <Variables values={request.variables} />}
            {!values && request.document?.text.includes('…') && (
              <p class="note muted">
                Values are shown as … : the option <code>admin.console.values</code> records them.
              </p>
            )}
          </Card>
          {nulls.length > 0 && <Nulls request={request} />}
        </div>
        <div>
          <Card
            title="Timeline"
            aside={<span class="muted">{duration(request.ms)}</span>}
            help={[
              'What was done from when to when; grey is the gateway’s own work.',
              'one-request-explained',
            ]}
          >
            <Timeline steps={timeline} ms={request.ms} lit={lit} />
          </Card>
        </div>
      </div>
      <div class="cards">
        <Cache request={request} canWrite={canWrite} />
        <Cost request={request} />
        <Card
          title="Send it again"
          aside={<Copy label="Copy curl" text={() => request.curl} />}
          help={[
            'Headers such as $AUTHORIZATION are variables of the shell, and are sent if they are set.',
            'one-request-explained',
          ]}
        >
          <pre tabIndex={0} aria-label="The request as a curl command">
            {request.curl}
          </pre>
        </Card>
      </div>
      {others.length > 0 && (
        <Card
          title="Other runs of this operation"
          help={['The last ones that are recorded, newest first.', 'requests']}
        >
          <Table
            caption="Other runs of this operation, newest first"
            columns={requestColumns(Math.max(...others.map(({ ms }) => ms), 1))}
            rows={others}
            keyOf={({ id, at }) => `${id} ${at}`}
          />
        </Card>
      )}
    </>
  );
}

function Heading({ request }: { readonly request: ExplainedRequest }): JSX.Element {
  const { id, traceId, at, ms, client, cache, calls, worker, gateway } = request;
  return (
    <header class="explained">
      <p class="crumb">
        <a href={linkTo(['requests'])}>Requests</a> / <code>{id}</code>
      </p>
      <div class="heading">
        <h1>
          <Name text={operationName(request)} />
        </h1>
        <div class="row">
          <Copy label="Copy link" text={() => new URL(addressOf(['requests', id]), location.href).href} />
          <Copy label="Copy curl" text={() => request.curl} />
        </div>
      </div>
      <Facts
        facts={[
          ['outcome', <Outcome request={request} />],
          ['took', duration(ms)],
          ['cache', <CacheResult result={cache} />],
          ['calls', `${calls.sent} sent, ${calls.saved} saved, of ${calls.planned}`],
          ['at', <time dateTime={new Date(at).toISOString()}>{moment(at)}</time>],
          ['client', client && <Name text={`${client.name} ${client.version}`} />],
          ['trace', traceId && <code>{traceId}</code>],
          ['worker', worker],
          ['gateway', gateway],
        ]}
      />
    </header>
  );
}

/** The subgraphs of the request. Pressing one dims all others. */
function Legend({
  names,
  lit,
  light,
}: {
  readonly names: readonly string[];
  readonly lit: string | undefined;
  readonly light: (name: string | undefined) => void;
}): JSX.Element {
  if (names.length === 0) return <></>;
  return (
    <div class="legend" role="group" aria-label="Show one subgraph only">
      {names.map((name) => (
        <button
          key={name}
          class="button chip"
          aria-pressed={lit === name}
          onClick={() => light(lit === name ? undefined : name)}
        >
          <Subgraph name={name} />
        </button>
      ))}
    </div>
  );
}

/** Why it was refused. */
const Refused = ({ refused }: { readonly refused: readonly Refusal[] }): JSX.Element => (
  <Card
    title="Why it was refused"
    help={[
      'The rules that the document breaks, or why the request could not run.',
      'why-requests-are-refused',
    ]}
  >
    <ul class="refusals">
      {refused.map(({ code, rule, message, line, column }) => (
        <li key={`${message} ${line} ${column}`}>
          <Marked text={message} />{' '}
          <span class="muted">
            {rule ?? code}
            {line !== undefined && `, line ${line}, column ${column}`}
          </span>
        </li>
      ))}
    </ul>
  </Card>
);

/** What the caller lacks. Clients do not get it. */
const Lacks = ({ lacks }: { readonly lacks: readonly string[] }): JSX.Element => (
  <Card
    title="What the caller lacks"
    help={['The caller may not see all of the operation. Clients are not told why.', 'one-request-explained']}
  >
    <ul class="sentences">
      {lacks.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  </Card>
);

function Variables({ values }: { readonly values: Readonly<Record<string, unknown>> }): JSX.Element {
  return (
    <>
      <h3>Variables</h3>
      <pre tabIndex={0} aria-label="Variables">
        {JSON.stringify(values, undefined, 2)}
      </pre>
    </>
  );
}

/** So many nulls are shown at first. */
const nullsAtFirst = 10;

/** Why values are null. Those of one field with one cause, such as in each item of a list, are shown once. Also beside GraphiQL. */
export function Nulls({ request: { nulls } }: { readonly request: ExplainedRequest }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const alike = new Map<string, ExplainedNull[]>();
  for (const each of nulls) {
    const key = `${fieldOf(each.path)} ${each.cause}`;
    alike.set(key, [...(alike.get(key) ?? []), each]);
  }
  const groups = [...alike.values()];
  const shown = isWhole ? groups : groups.slice(0, nullsAtFirst);
  return (
    <Card
      title="Why values are null"
      aside={<span class="muted">{count(nulls.length)}</span>}
      help={['Values of one field with one cause are one line.', 'one-request-explained']}
    >
      <ul class="nulls">
        {shown.map(([first, ...others]) => (
          <li key={`${fieldOf(first!.path)} ${first!.cause}`}>
            <p>
              <code>{fieldOf(first!.path)}</code> <Badge tone="bad">{first!.cause}</Badge>
              {others.length > 0 && <span class="muted"> {count(others.length + 1)} times</span>}
            </p>
            <p>{first!.reason}</p>
          </li>
        ))}
      </ul>
      {groups.length > shown.length && (
        <button class="button" onClick={() => setWhole(true)}>
          Show all {groups.length}
        </button>
      )}
    </Card>
  );
}

/** What the caches did, and what drops the answer. Also shown beside GraphiQL. */
export function Cache({
  request: { cache, cacheReasons, dropped },
  canWrite,
}: {
  readonly request: ExplainedRequest;
  readonly canWrite: boolean;
}): JSX.Element {
  if (cacheReasons.length === 0 && !dropped && (cache === undefined || cache === 'PASS')) return <></>;
  return (
    <Card
      title="Cache"
      aside={<CacheResult result={cache} />}
      help={[
        'What the response cache did: HIT and STALE are cached answers, MISS was stored.',
        'one-request-explained',
      ]}
    >
      {cacheReasons.length > 0 && (
        <ul class="sentences">
          {cacheReasons.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {dropped && (
        <>
          <h3>What drops it</h3>
          <ul class="sentences">
            {dropped.by.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
          <Tags tags={dropped.tags} canWrite={canWrite} />
          {dropped.hiddenTags > 0 && (
            <p class="note muted">
              {counted(dropped.hiddenTags, 'tag')} with values of keys or arguments: the option{' '}
              <code>admin.console.values</code> shows them.
            </p>
          )}
        </>
      )}
    </Card>
  );
}

/** The tags of a cached answer; with the admin token each can be invalidated. */
function Tags({
  tags,
  canWrite,
}: {
  readonly tags: readonly string[];
  readonly canWrite: boolean;
}): JSX.Element {
  const [said, setSaid] = useState('');
  const [asked, setAsked] = useState<string>();
  const confirm = useRef<HTMLButtonElement>(null);
  useEffect(() => confirm.current?.focus(), [asked]);
  const drop = async (tag: string): Promise<void> => {
    setAsked(undefined);
    try {
      await ask('/invalidate', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ tags: [tag] }),
      });
      setSaid(`What has the tag ${tag} was dropped.`);
    } catch (error) {
      setSaid(error instanceof ApiError ? error.message : String(error));
    }
  };
  return (
    <>
      <ul class="tags" aria-label="Tags">
        {tags.map((tag) => (
          <li key={tag}>
            {canWrite ? (
              <button
                class="button chip"
                aria-label={`Drop what has the tag ${tag}`}
                onClick={() => setAsked(tag)}
              >
                {tag}
              </button>
            ) : (
              <code>{tag}</code>
            )}
          </li>
        ))}
      </ul>
      {asked !== undefined && (
        <p class="confirm">
          Drop all cached answers with the tag <code>{asked}</code>?
          <button ref={confirm} class="button strong" onClick={() => void drop(asked)}>
            Drop
          </button>
          <button class="button" onClick={() => setAsked(undefined)}>
            Cancel
          </button>
        </p>
      )}
      <p class="note muted" role="status">
        {said ||
          (canWrite
            ? 'Press a tag to drop what has it.'
            : 'With the option admin.token, tags can be dropped here.')}
      </p>
    </>
  );
}

/** What the operation cost. Also shown beside GraphiQL. */
export function Cost({ request: { cost, calls } }: { readonly request: ExplainedRequest }): JSX.Element {
  if (cost === undefined && calls.planned === 0) return <></>;
  return (
    <Card
      title="Cost"
      help={[
        'Estimated before it ran, and counted after; calls are those to subgraphs.',
        'one-request-explained',
      ]}
    >
      <Facts
        facts={[
          ['estimated', cost && count(cost.estimated)],
          ['actual', cost?.actual === undefined ? undefined : count(cost.actual)],
          ['limit', cost?.limit === undefined ? undefined : count(cost.limit)],
          ['planned', counted(calls.planned, 'call')],
          ['sent', counted(calls.sent, 'call')],
          ['saved', counted(calls.saved, 'call')],
        ]}
      />
    </Card>
  );
}

/** The subgraphs of a request, in the order of their names. They get their colours in this order. */
export function subgraphsOf({ document, timeline }: ExplainedRequest): string[] {
  const names = new Set<string>();
  for (const part of document?.parts ?? []) for (const name of part.subgraphs) names.add(name);
  for (const { subgraph } of timeline) if (subgraph !== undefined) names.add(subgraph);
  const sorted = [...names].sort();
  sorted.forEach(colourOf);
  return sorted;
}
