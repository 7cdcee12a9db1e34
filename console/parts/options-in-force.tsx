import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { OptionsView, ShownOption } from '../../gateway/console/versions-api';
import { useApi } from '../api';
import { Card } from './card';
import { counted } from './format';
import { Name } from './name';
import { SearchForm } from './search-form';
import { Answered } from './states';
import { Table } from './table';

const pollEvery = 30_000;
const firstRows = 50;

/** The options of the gateway: at first those that differ from their defaults. */
export function OptionsInForce(): JSX.Element {
  const answer = useApi<OptionsView>('/options', pollEvery);
  const [isWhole, setWhole] = useState(false);
  const [search, setSearch] = useState('');
  return (
    <Card
      title="Options in force"
      help={[
        'Of the gateway that you have opened. Secrets are hidden; of what a file takes from elsewhere only the name is shown.',
        'versions',
      ]}
    >
      <Answered answer={answer} what="the options">
        {({ options }) => {
          const wanted = search.trim().toLowerCase();
          const shown = options
            .filter(({ isChanged }) => isWhole || isChanged)
            .filter(({ name }) => name.toLowerCase().includes(wanted));
          return (
            <>
              <SearchForm
                label="Search options"
                placeholder="Name of an option"
                value={search}
                change={setSearch}
              >
                <button
                  type="button"
                  class="button"
                  aria-pressed={isWhole}
                  onClick={() => setWhole(!isWhole)}
                >
                  Defaults, too
                </button>
              </SearchForm>
              <Table
                caption={
                  isWhole ? 'All options that have a value' : 'Options that differ from their defaults'
                }
                rows={shown}
                most={firstRows}
                keyOf={({ name }) => name}
                empty={
                  <p class="muted">
                    {wanted !== '' ? 'No option matches.' : 'All options have their defaults.'}
                  </p>
                }
                columns={columns}
              />
              {!isWhole && (
                <p class="note muted">
                  {counted(options.filter(({ isChanged }) => !isChanged).length, 'other')} as by default.
                </p>
              )}
            </>
          );
        }}
      </Answered>
    </Card>
  );
}

const columns = [
  {
    title: 'Option',
    cell: ({ name }: ShownOption) => (
      <code>
        <Name text={name} />
      </code>
    ),
  },
  {
    title: 'Value',
    cell: (option: ShownOption) =>
      'value' in option ? <code>{written(option.value)}</code> : <span class="muted">hidden</span>,
  },
  {
    title: 'Default',
    cell: (option: ShownOption) =>
      'default' in option ? <code>{written(option.default)}</code> : <span class="muted">–</span>,
    isExtra: true,
  },
  { title: 'From', cell: ({ origin }: ShownOption) => <From origin={origin} /> },
];

const written = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function From({ origin }: Pick<ShownOption, 'origin'>): JSX.Element {
  switch (origin.kind) {
    case 'default':
      return <span class="muted">default</span>;
    case 'flag':
      return <>a flag</>;
    case 'code':
      return <>the program</>;
    case 'environment':
      return <code>{origin.variable}</code>;
    case 'file': {
      const { file, line, variables, files } = origin;
      const taken = [...variables.map((name) => `\${${name}}`), ...files.map((each) => `\${file:${each}}`)];
      return (
        <>
          <span title={file}>{`${file.slice(file.lastIndexOf('/') + 1)}:${line}`}</span>
          {taken.map((each) => (
            <>
              {' '}
              <code key={each}>{each}</code>
            </>
          ))}
        </>
      );
    }
    default:
      return origin satisfies never;
  }
}
