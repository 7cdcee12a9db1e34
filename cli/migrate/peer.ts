import type { DraftPath } from './draft';
import type { ForeignFile, ToReferences } from './foreign';
import type { Table } from './table';

/** A default of the other gateway that differs from that of Weir: it is written where no key sets it. */
export interface ForeignDefault {
  readonly path: DraftPath;
  readonly value: unknown;
  /** Such as "no header is forwarded unless a rule names it". */
  readonly reason: string;
}

/** Another gateway whose configuration can be read. */
export interface Peer {
  /** For `--from`. */
  readonly name: string;
  /** Of the product. */
  readonly title: string;
  /** The usual name of the file. */
  readonly fileName: string;
  readonly format: 'yaml' | 'toml' | 'code' | 'json';
  readonly table: Table;
  readonly defaults: readonly ForeignDefault[];
  /** Peers with one reader have files of one language. */
  readonly read: Reader;
  /** How its texts refer to the environment. Left out: the reader has written them as those of Weir. */
  readonly toReferences?: ToReferences;
}

export type Reader = (file: string, text: string) => ForeignFile;
