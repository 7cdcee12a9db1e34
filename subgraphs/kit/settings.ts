/** Where and how a subgraph process runs; what is not given takes its default. */
export interface Settings {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default the subgraph's own */
  readonly port?: number;
  /** Serves this schema file instead of the subgraph's own. */
  readonly schema?: string;
  readonly database?: DatabaseSettings;
  /** @default 'info' */
  readonly logLevel?: string;
  /** Values of the subgraph's own options. */
  readonly options?: Readonly<Record<string, string>>;
}

/** Exactly one of: an embedded DynamoDB in a folder (or in memory), an endpoint that speaks DynamoDB, AWS itself. */
export type DatabaseSettings =
  | { readonly kind: 'embedded'; readonly folder: string }
  | { readonly kind: 'endpoint'; readonly endpoint: string }
  | { readonly kind: 'aws' };
