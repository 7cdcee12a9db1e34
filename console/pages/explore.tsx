import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ExplainedRequest } from '../../gateway/console/api';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Card, Facts } from '../parts/card';
import { duration } from '../parts/format';
import { CacheResult, operationName, Outcome } from '../parts/request-badges';
import { Empty, Failure, Loading } from '../parts/states';
import { Timeline } from '../parts/timeline';
import { addressOf } from '../route';
import { Cache, Cost, Nulls, subgraphsOf } from './request';

/** What GraphiQL tells of an answer. */
interface Told {
  readonly requestId: string;
  /** The query plan, as text. */
  readonly plan: string | undefined;
}

/** GraphiQL, and beside it how the last answer was made. */
export function Explore({ about }: PageProps): JSX.Element {
  const { graphiql } = about;
  if (graphiql === undefined) return <Off />;
  return <Exploring graphiql={graphiql} canWrite={about.canWrite} />;
}

const Off = (): JSX.Element => (
  <section class="middle">
    <h1>Explore</h1>
    <Empty title="GraphiQL is off in production">
      <p>It is there with this option, which also shows query plans and more of errors to every client:</p>
      <pre>mode: development</pre>
      <p>
        <code>introspection: true</code> alone lets other tools read the schema.
      </p>
    </Empty>
  </section>
);

function Exploring({
  graphiql,
  canWrite,
}: {
  readonly graphiql: string;
  readonly canWrite: boolean;
}): JSX.Element {
  const frame = useRef<HTMLIFrameElement>(null);
  const [told, setTold] = useState<Told>();
  const [isThere, setThere] = useState(false);
  const [isLate, setLate] = useState(false);
  const [why, setWhy] = useState(false);
  const { origin } = new URL(graphiql);
  useEffect(() => {
    const hear = (event: MessageEvent<unknown>): void => {
      if (event.origin !== origin || event.source !== frame.current?.contentWindow) return;
      const { weir } = (event.data ?? {}) as { readonly weir?: unknown };
      if (weir === 'graphiql') setThere(true);
      const news = readTold(event.data);
      if (news !== undefined) setTold(news);
    };
    addEventListener('message', hear);
    return () => removeEventListener('message', hear);
  }, [origin]);
  // GraphiQL answers only the console: it tells its parent nothing before it knows its origin.
  const say = (message: object): void => frame.current?.contentWindow?.postMessage(message, origin);
  const greet = (): void => {
    say({ weir: 'console' });
    say({ weir: 'why', isOn: why });
  };
  const wantWhy = (isOn: boolean): void => {
    setWhy(isOn);
    say({ weir: 'why', isOn });
  };
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 5_000);
    return () => clearTimeout(timer);
  }, []);

  return (
    <div class="explore">
      <h1 class="unseen">Explore</h1>
      <iframe ref={frame} src={graphiql} title="GraphiQL" onLoad={greet} />
      <aside aria-label="How the last answer was made">
        {told === undefined && isLate && !isThere ? (
          <Empty title="GraphiQL has not answered">
            <p>
              It shows itself to the console only at <code>localhost</code>, <code>127.0.0.1</code> or the
              address of the option <code>admin.host</code>. It is also at <a href={graphiql}>{graphiql}</a>.
            </p>
          </Empty>
        ) : told === undefined ? (
          <Empty title="Run an operation">
            <p>Here stands how its answer was made: the calls, their times, the cache and the cost.</p>
          </Empty>
        ) : (
          <Made key={told.requestId} told={told} canWrite={canWrite} why={why} onWhy={wantWhy} />
        )}
      </aside>
    </div>
  );
}

interface MadeProps {
  readonly told: Told;
  readonly canWrite: boolean;
  /** Whether plans say why they have their fetches. */
  readonly why: boolean;
  readonly onWhy: (isOn: boolean) => void;
}

function Made({ told, canWrite, why, onWhy }: MadeProps): JSX.Element {
  const [isFound, setFound] = useState(false);
  // A request is recorded when it ends, which may be after its first answer.
  const answer = useApi<ExplainedRequest>(
    `/requests/${encodeURIComponent(told.requestId)}`,
    isFound ? undefined : 1_000,
  );
  const request = answer.data;
  useEffect(() => setFound(request !== undefined), [request]);
  if (request === undefined) {
    if (answer.error === undefined) return <Loading what="the request" />;
    if (answer.error.status !== 404) return <Failure error={answer.error} />;
    return (
      <Empty title="The request is not recorded yet">
        <p>
          It is when it ends. Which requests are recorded, the option <code>admin.console.sampling</code>{' '}
          says.
        </p>
      </Empty>
    );
  }
  // Called for the colours of its subgraphs.
  subgraphsOf(request);
  return (
    <>
      <Card
        title={operationName(request)}
        aside={<a href={addressOf(['requests', request.id])}>Open the request</a>}
      >
        <Facts
          facts={[
            ['outcome', <Outcome request={request} />],
            ['took', duration(request.ms)],
            ['cache', <CacheResult result={request.cache} />],
            ['calls', `${request.calls.sent} of ${request.calls.planned}`],
          ]}
        />
      </Card>
      {request.nulls.length > 0 && <Nulls request={request} />}
      <Card title="Timeline">
        <Timeline steps={request.timeline} ms={request.ms} lit={undefined} />
      </Card>
      {told.plan !== undefined && (
        <Card
          title="Query plan"
          aside={
            <label>
              <input
                type="checkbox"
                checked={why}
                onChange={({ currentTarget }) => onWhy(currentTarget.checked)}
              />{' '}
              say why, from the next query on
            </label>
          }
        >
          <pre tabIndex={0} aria-label="Query plan">
            {told.plan}
          </pre>
        </Card>
      )}
      <Cache request={request} canWrite={canWrite} />
      <Cost request={request} />
    </>
  );
}

/** Reads a message of GraphiQL; undefined for any other. */
function readTold(data: unknown): Told | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { weir, requestId, plan } = data as Readonly<Record<string, unknown>>;
  if (weir !== 'answer' || typeof requestId !== 'string' || requestId === '') return undefined;
  return { requestId, plan: typeof plan === 'string' ? plan : undefined };
}
