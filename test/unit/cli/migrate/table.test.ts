/** cli/migrate/table.ts, the tables of cli/migrate/peers/, and docs/coming-from.md, which has them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateways } from '../../../../cli/commands/migrate';
import { peers } from '../../../../cli/migrate/peers';
import { none, pathsOf, same, Table } from '../../../../cli/migrate/table';
import { optionsSchema } from '../../../../gateway/options';
import { schemasAt } from '../../../../gateway/options/problem';
import { comingFrom } from '../../../support/reference/coming-from';

const page = join(__dirname, '../../../../docs/coming-from.md');

/** After a change of a table, `WRITE_DOCS=1 npx jest cli/migrate` brings the page up to date. */
it('is in docs/coming-from.md', () => {
  if (process.env['WRITE_DOCS']) writeFileSync(page, comingFrom(readFileSync(page, 'utf8')));
  const text = readFileSync(page, 'utf8');
  expect(text).toBe(comingFrom(text));
});

it('is named by --from of the command', () => {
  expect(gateways).toEqual(peers.map(({ name }) => name));
});

/** The options that a text names: `subgraphs.NAME.url`, and `.key` after `tls.cert`. */
function optionsIn(text: string): string[] {
  let before = '';
  return [...text.matchAll(/`(\.?[a-z][\w.[\]]*)`/g)].map(([, name]) => {
    before = name!.startsWith('.') ? before.replace(/\.[^.]+$/, name!) : name!;
    return before;
  });
}

const isOption = (name: string): boolean => {
  const path = name.split('.').flatMap((key) => (key.endsWith('[]') ? [key.slice(0, -2), 0] : [key]));
  return schemasAt(optionsSchema, path).length > 0;
};

describe.each(peers.map((peer) => [peer.name, peer] as const))(
  'the table of %s',
  (_, { table, defaults }) => {
    it('names options that there are', () => {
      const named = table.rows
        .flatMap(({ to }) => optionsIn(to))
        .filter((name) => !['subgraphs', 'supergraph'].includes(name));
      expect([...new Set(named)].filter((name) => !isOption(name))).toEqual([]);
      expect(defaults.filter(({ path }) => !isOption(path.join('.')))).toEqual([]);
    });

    it('has a key once, and says what to do without a counterpart', () => {
      const keys = table.rows.flatMap((row) => pathsOf(row));
      expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
      expect(table.rows.filter(({ becomes, note }) => becomes !== 'same' && note === '')).toEqual([]);
    });
  },
);

describe('a table', () => {
  const rows = {
    one: same('a.b', '`host`'),
    any: same('a.*', '`port`'),
    deep: same('a.*.c', '`path`'),
    below: none('a.x.**', 'nothing'),
    list: same(['l.*.d', 'old.*.d'], '`zone`'),
  };
  const table = new Table(Object.values(rows));

  it.each([
    ['a.b', rows.one, []],
    ['a.y', rows.any, ['y']],
    ['a.b.c', rows.deep, ['b']],
    ['a.x', rows.below, []],
    ['a.x.y.z', rows.below, []],
    ['l.0.d', rows.list, ['0']],
    ['old.7.d', rows.list, ['7']],
  ])('finds the row of %s', (path, row, names) => {
    expect(table.find(path.split('.'))).toMatchObject({ row, names });
  });

  it.each(['a', 'a.b.d', 'a.y.c.d', 'l.0', 'b'])('has no row for %s', (path) => {
    expect(table.find(path.split('.'))).toBe(undefined);
  });

  it('knows what has rows below', () => {
    expect(['a', 'l', 'l.0', 'a.x', 'a.b.c', 'b'].map((path) => table.knowsBelow(path.split('.')))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
