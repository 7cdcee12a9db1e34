import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { count } from './format';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers stand at the right, in figures of one width. */
  readonly isNumber?: boolean;
  /** Left out below 720 px. */
  readonly isExtra?: boolean;
  /** Makes the table sortable by this column; the largest number and the first letter come first. */
  readonly sort?: (row: Row) => number | string;
}

/** A column of counts, by which the table can be sorted. @param of their member of a row */
export const countColumn = <Name extends string>(
  title: string,
  of: Name,
  isExtra = false,
): Column<Readonly<Record<Name, number>>> => ({
  ...{ title, isExtra, isNumber: true },
  cell: (row) => count(row[of]),
  sort: (row) => row[of],
});

export interface TableProps<Row> {
  /** What the table has, for those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** In place of the rows if there are none. */
  readonly empty?: ComponentChildren;
  /** How many rows are shown at first, the first ones by the order that is chosen. @default all */
  readonly most?: number;
}

/** A table. It scrolls sideways by itself where it is too wide. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  empty,
  most = Infinity,
}: TableProps<Row>): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const [sorted, setSorted] = useState<{ by: number; isTurned: boolean }>();
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  const sort = sorted && columns[sorted.by]?.sort;
  const shown = sort ? [...rows].sort((a, b) => compare(sort(a), sort(b))) : rows;
  const turned = sorted?.isTurned ? [...shown].reverse() : shown;
  const choose = (by: number): void =>
    setSorted((before) => ({ by, isTurned: before?.by === by && !before.isTurned }));
  const direction = (by: number): 'ascending' | 'descending' | undefined => {
    if (sorted?.by !== by) return undefined;
    return sorted.isTurned === (columns[by]!.isNumber ?? false) ? 'ascending' : 'descending';
  };
  const hidden = rows.length - most;
  const table = (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={column.title} scope="col" class={classOf(column)} aria-sort={direction(index)}>
                {column.sort ? <button onClick={() => choose(index)}>{column.title}</button> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(isWhole ? turned : turned.slice(0, most)).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.title} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  if (hidden <= 0) return table;
  return (
    <>
      {table}
      <p class="rest">
        <button class="button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? `Show the first ${most}` : `Show ${count(hidden)} more`}
        </button>
      </p>
    </>
  );
}

const classOf = <Row,>({ isNumber, isExtra }: Column<Row>): string =>
  `${isNumber ? 'number ' : ''}${isExtra ? 'extra' : ''}`;

const compare = (a: number | string, b: number | string): number =>
  typeof a === 'number' && typeof b === 'number' ? b - a : String(a).localeCompare(String(b));
