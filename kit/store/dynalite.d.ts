declare module 'dynalite' {
  import { type Server } from 'node:http';

  interface DynaliteOptions {
    /** Folder of the data; in memory when it is not given. */
    path?: string;
    /** How long a table stays in `CREATING`, in milliseconds. */
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }
  export default function dynalite(options?: DynaliteOptions): Server;
}

declare module 'dynalite/db/index.js' {
  type Value = import('./embedded-conditions').Value;
  type Item = import('./embedded-conditions').Item;

  /** What the actions of dynalite call by these names, so that they may be replaced. */
  const db: {
    checkConditional: (data: object, item: Item | undefined) => Error | null | undefined;
    itemSize: (item: Item, compress?: boolean, addMetaSize?: boolean, rangeKey?: string) => number;
    mapPath: (path: readonly (string | number)[], item: Item) => Value | null | undefined;
    validationError: (message: string) => Error;
  };
  export default db;
}
