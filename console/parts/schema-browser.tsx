/** The schema browser: the list of types, and the page of one. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { SchemaField, SchemaType, SchemaView } from '../../gateway/console/api';
import { linkTo } from '../link-to';
import { Badge } from './badge';
import { Card, Facts } from './card';
import { findTypes } from './find-types';
import { count, counted } from './format';
import { Said } from './said';
import { SearchForm } from './search-form';
import { Empty } from './states';
import { Subgraph } from './subgraph';
import { Table } from './table';

/** The others are shown on demand. */
const shownClients = 3;
/** Rows that are shown at once: large schemas have thousands. */
const pageSize = 100;

/** Types with a search, and one of them whole. */
export function SchemaBrowser({
  schema,
  chosen,
}: {
  readonly schema: SchemaView;
  /** The name of a type. */
  readonly chosen: string | undefined;
}): JSX.Element {
  const type = schema.types.find(({ name }) => name === chosen);
  if (chosen === undefined) return <Types schema={schema} />;
  return (
    <>
      <p class="crumb">
        <a href={linkTo(['graph'])}>Graph</a> / {chosen}
      </p>
      {type === undefined ? (
        <Empty title={`The schema has no type ${chosen}`}>
          <a href={linkTo(['graph'])}>All types</a>
        </Empty>
      ) : (
        <Type key={type.name} type={type} schema={schema} />
      )}
    </>
  );
}

function Types({ schema }: { readonly schema: SchemaView }): JSX.Element {
  const { types, usageFrom } = schema;
  const [search, setSearch] = useState('');
  const [isDeletable, setDeletable] = useState(false);
  const found = useMemo(() => findTypes(types, search, isDeletable), [types, search, isDeletable]);
  const [shown, setShown] = useState(pageSize);
  useEffect(() => setShown(pageSize), [search, isDeletable]);
  const fields = types.reduce((sum, type) => sum + type.fields.length, 0);
  const isCounted = usageFrom !== undefined;
  return (
    <Card
      title="Schema"
      aside={<span class="muted">{`${counted(types.length, 'type')}, ${counted(fields, 'field')}`}</span>}
    >
      <SearchForm
        label="Search types, fields and subgraphs"
        placeholder="Type, field or subgraph"
        value={search}
        change={setSearch}
      >
        {isCounted && (
          <button
            type="button"
            class="button"
            aria-pressed={isDeletable}
            onClick={() => setDeletable(!isDeletable)}
          >
            May be deleted
          </button>
        )}
      </SearchForm>
      <p class="muted note" role="status">
        {`${counted(found.length, 'type')} found. `}
        {isCounted ? countedUse(schema) : 'Use is counted where the supergraph comes from a registry.'}
      </p>
      <Table
        caption="Types"
        rows={found.slice(0, shown)}
        keyOf={({ type }) => type.name}
        empty={<Empty title="No type, field or subgraph has this in its name" />}
        columns={[
          {
            title: 'Type',
            cell: ({ type }) => (
              <span class="operation">
                <a href={linkTo(['graph', type.name])}>{type.name}</a>
                <span class="muted">{type.kind}</span>
              </span>
            ),
          },
          { title: 'Owners', cell: ({ type }) => <Owners names={type.owners} /> },
          {
            title: 'Fields',
            cell: ({ type, fields }) =>
              fields.length === 0 ? (
                count(type.fields.length)
              ) : (
                <span class="found">{`${fields.slice(0, 5).join(', ')}${fields.length > 5 ? ` and ${count(fields.length - 5)} more` : ''}`}</span>
              ),
          },
        ]}
      />
      <More shown={shown} of={found.length} show={setShown} />
    </Card>
  );
}

/** How much use is counted, and whether that is enough for advice. */
function countedUse({ usageFrom, usageDays = 0, neededDays = 0 }: SchemaView): string {
  const counts = `Use is counted since ${usageFrom}: ${counted(usageDays, 'day')} with requests.`;
  return usageDays < neededDays
    ? `${counts} What may be deleted is shown from ${neededDays} days on.`
    : counts;
}

/** A button that shows more rows; nothing if all are shown. */
function More({
  shown,
  of,
  show,
}: {
  readonly shown: number;
  readonly of: number;
  readonly show: (rows: number) => void;
}): JSX.Element {
  if (of <= shown) return <></>;
  return (
    <p class="rest">
      <button class="button" onClick={() => show(shown + pageSize)}>
        {`Show ${count(Math.min(pageSize, of - shown))} more of ${count(of)}`}
      </button>
    </p>
  );
}

function Type({ type, schema }: { readonly type: SchemaType; readonly schema: SchemaView }): JSX.Element {
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState(pageSize);
  const found = type.fields.filter(({ name }) => name.toLowerCase().includes(search.trim().toLowerCase()));
  const names = useMemo(() => new Set(schema.types.map(({ name }) => name)), [schema]);
  const isCounted = type.fields.some(({ mayBeDeleted }) => mayBeDeleted !== undefined);
  const noun = type.kind === 'enum' ? 'value' : type.kind === 'union' ? 'member' : 'field';
  return (
    <>
      <Card title={type.name} aside={<Badge>{type.kind}</Badge>}>
        {type.description !== undefined && <p class="description">{type.description}</p>}
        <Facts
          facts={[
            ['Owners', <Owners names={type.owners} />],
            [
              'Keys',
              type.keys?.map(({ fields, owners }) => (
                <div key={fields}>
                  <code>{fields}</code> <span class="muted">in {owners.join(', ')}</span>
                </div>
              )),
            ],
            [
              'Implements',
              type.interfaces?.map((name) => (
                <div key={name}>
                  <TypeLink name={name} names={names} />
                </div>
              )),
            ],
            ['Directives', type.directives.length === 0 ? undefined : <Directives of={type.directives} />],
          ]}
        />
      </Card>
      {type.fields.length > 0 && (
        <Card title={counted(type.fields.length, noun)}>
          {type.fields.length > 20 && (
            <SearchForm label={`Search ${noun}s`} placeholder={noun} value={search} change={setSearch} />
          )}
          <Table
            caption={`${noun}s of ${type.name}`}
            rows={found.slice(0, shown)}
            keyOf={({ name }) => name}
            columns={[
              {
                title: noun === 'field' ? 'Field' : noun === 'value' ? 'Value' : 'Member',
                cell: (field) => <Field field={field} names={names} isType={type.kind === 'union'} />,
                sort: ({ name }) => name,
              },
              {
                title: 'Owners',
                cell: ({ owners }) => <Owners names={owners} />,
                sort: ({ owners }) => owners.join(),
              },
              ...(isCounted
                ? [
                    {
                      title: 'Used by',
                      cell: (field: SchemaField) => <Users field={field} />,
                      sort: ({ usage }: SchemaField) => usage?.requests ?? 0,
                    },
                    {
                      title: 'May be deleted',
                      cell: ({ mayBeDeleted }: SchemaField) =>
                        mayBeDeleted && (
                          <>
                            <Badge tone={mayBeDeleted.yes ? 'good' : 'plain'}>
                              {mayBeDeleted.yes ? 'yes' : 'no'}
                            </Badge>{' '}
                            <span class="muted">
                              <Said text={mayBeDeleted.why} />
                            </span>
                          </>
                        ),
                    },
                  ]
                : []),
            ]}
          />
          <More shown={shown} of={found.length} show={setShown} />
        </Card>
      )}
    </>
  );
}

function Field({
  field,
  names,
  isType,
}: {
  readonly field: SchemaField;
  readonly names: ReadonlySet<string>;
  /** Whether it is the name of a type itself. */
  readonly isType: boolean;
}): JSX.Element {
  const { name, args, type, description, deprecated, directives } = field;
  const named = type.replace(/[[\]!]/g, '');
  const [before, after] = type.split(named);
  return (
    <>
      <code>
        {isType ? <TypeLink name={name} names={names} /> : <b>{name}</b>}
        {args !== undefined && `(${args})`}
        {type !== '' && (
          <>
            : {before}
            <TypeLink name={named} names={names} />
            {after}
          </>
        )}
      </code>
      {deprecated !== undefined && (
        <div>
          <Badge tone="warn">deprecated</Badge> <span class="muted">{deprecated}</span>
        </div>
      )}
      {description !== undefined && <div class="muted description">{description}</div>}
      {directives.length > 0 && <Directives of={directives} />}
    </>
  );
}

const TypeLink = ({
  name,
  names,
}: {
  readonly name: string;
  readonly names: ReadonlySet<string>;
}): JSX.Element => (names.has(name) ? <a href={linkTo(['graph', name])}>{name}</a> : <>{name}</>);

const Owners = ({ names }: { readonly names: readonly string[] }): JSX.Element => (
  <span class="owners">
    {names.map((name) => (
      <Subgraph key={name} name={name} />
    ))}
  </span>
);

const Directives = ({ of }: { readonly of: readonly string[] }): JSX.Element => (
  <>
    {of.map((directive) => (
      <div key={directive}>
        <code>{directive}</code>
      </div>
    ))}
  </>
);

function Users({ field: { usage } }: { readonly field: SchemaField }): JSX.Element {
  if (usage === undefined) return <span class="muted">nobody</span>;
  const { requests, clients, others, operations, otherOperations } = usage;
  const hidden = clients.slice(shownClients);
  return (
    <>
      <div>{counted(requests, 'request')}</div>
      {clients.slice(0, shownClients).map(clientLine)}
      {hidden.length > 0 && (
        <details>
          <summary class="muted">{`and ${counted(hidden.length, 'other client')}`}</summary>
          {hidden.map(clientLine)}
        </details>
      )}
      {others > 0 && <div class="muted">{`and ${counted(others, 'client')} that are not named here`}</div>}
      {operations.length > 0 && (
        <div class="muted">
          {'in '}
          {operations.map(({ name }, i) => (
            <span key={name}>
              {i > 0 && ', '}
              {name === unnamed ? name : <a href={linkTo(['requests'], { operation: name })}>{name}</a>}
            </span>
          ))}
          {otherOperations > 0 && ` and ${counted(otherOperations, 'other operation')}`}
        </div>
      )}
    </>
  );
}

/** Stands for all operations without a name, for which there is no list of requests. */
const unnamed = 'unnamed';

const clientLine = ({
  name,
  version,
  lastSeen,
}: NonNullable<SchemaField['usage']>['clients'][number]): JSX.Element => (
  <div key={`${name} ${version}`} class="muted">
    {`${name} ${version}`.trim()}, last {lastSeen}
  </div>
);
