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
