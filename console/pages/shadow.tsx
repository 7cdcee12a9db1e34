import type { JSX } from 'preact';
import type { OperationData } from '../../gateway/replay/report';
import type { ShadowReport } from '../../gateway/shadow/record';
import { useApi } from '../api';
import type { PageProps } from '../app';
import { Card, Facts } from '../parts/card';
import { count, duration, share } from '../parts/format';
import { PageHeading } from '../parts/gateways';
import { Name } from '../parts/name';
import { Answered, Empty } from '../parts/states';
import { countColumn, Table } from '../parts/table';
import { When } from '../parts/when';

const pollEvery = 5_000;

/** What the answers of a second endpoint to the same queries have that is different. */
export function Shadow({ route }: PageProps): JSX.Element {
  const shadow = useApi<ShadowReport | null>('/shadow', pollEvery);
  return (
    <>
      <PageHeading title="Shadow" route={route} gateways={undefined} />
      <Answered answer={shadow} what="the comparison">
        {(report) => (report === null ? <Off /> : <Compared report={report} />)}
      </Answered>
    </>
  );
}

const Off = (): JSX.Element => (
  <Empty title="No answers are compared">
    <p>
      The option <code>shadow</code> sends a share of the queries to a second endpoint, and compares its
      answers.
    </p>
  </Empty>
);

function Compared({ report }: { readonly report: ShadowReport }): JSX.Element {
  const { url, since, compared, equal, different, failed, dropped, operations, a, b } = report;
  const differences = operations.flatMap(({ hash, name, text, paths }) =>
    paths.map((path) => ({ ...path, hash, operation: nameOf({ hash, name, text }) })),
  );
  return (
    <>
      <Card
        title="Compared answers"
        aside={
          <span class="muted">
            since <When at={since} />
          </span>
        }
        help={[
          'A share of the queries is sent to a second endpoint once their clients have the answers.',
          'shadow',
        ]}
      >
        <Facts
          facts={[
            ['sent to', url],
            [
              'chosen',
              `${share(report.share)} of queries, at most ${report.perSecond} a second in a process`,
            ],
            ['compared', count(compared)],
            ['equal', count(equal)],
            ['different', different === 0 ? '0' : <span class="bad">{count(different)}</span>],
            ['without an answer', reasons(failed)],
            ['not sent, or not compared', reasons(dropped)],
            ['gateway, p50, p99', times(a)],
            ['shadow, p50, p99', times(b)],
          ]}
        />
      </Card>
      <Card
        title="Differences"
        help={['What the gateway has at a path → what the shadow has there, without values.', 'shadow']}
      >
        <Table
          caption="Differences by operation and path: the answer of the gateway, then that of the shadow"
          rows={differences}
          keyOf={({ hash, path, kind }) => `${hash} ${kind} ${path}`}
          empty={
            <Empty title={compared === 0 ? 'Nothing is compared yet' : 'All compared answers are equal'} />
          }
          columns={[
            {
              title: 'Operation',
              cell: ({ operation }) => <Name text={operation} />,
              sort: ({ operation }) => operation,
            },
            {
              title: 'Path',
              cell: ({ path }) => <code>{path || '(answer)'}</code>,
              sort: ({ path }) => path,
            },
            { title: 'Difference', cell: ({ kind }) => kind.replace('-', ' '), isExtra: true },
            countColumn('Answers', 'count'),
            {
              title: 'First example',
              cell: ({ examples: [first] }) => first && `${first.a.shape} → ${first.b.shape}`,
            },
          ]}
        />
      </Card>
      {operations.length > 0 && (
        <Card title="Operations">
          <Table
            caption="Compared answers by operation"
            rows={operations}
            keyOf={({ hash }) => hash}
            columns={[
              { title: 'Operation', cell: (row) => <Name text={nameOf(row)} />, sort: nameOf },
              countColumn('Compared', 'compared'),
              countColumn('Different', 'different'),
              { title: 'Gateway, p50, p99', cell: (row) => times(row.a), isNumber: true, isExtra: true },
              { title: 'Shadow, p50, p99', cell: (row) => times(row.b), isNumber: true, isExtra: true },
            ]}
          />
        </Card>
      )}
    </>
  );
}

const nameOf = ({ hash, name, text }: Pick<OperationData, 'hash' | 'name' | 'text'>): string =>
  name ?? text?.slice(0, 60) ?? hash;

/** Such as `3: 2 × load, 1 × budget`. */
function reasons(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).sort(([, one], [, other]) => other - one);
  const sum = all.reduce((total, [, of]) => total + of, 0);
  return sum === 0
    ? '0'
    : `${count(sum)}: ${all.map(([reason, of]) => `${count(of)} × ${reason}`).join(', ')}`;
}

const times = ({ p50, p99 }: ShadowReport['a']): string =>
  p50 === null ? '–' : `${duration(p50)}, ${duration(p99!)}`;
