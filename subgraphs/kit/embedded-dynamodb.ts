/** A DynamoDB in this process, or the one of the process that owns the folder. */
export interface EmbeddedDynamoDB {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Without a folder it lives in memory and ends with the process. */
export async function openEmbeddedDynamoDB(
  _options: { folder?: string; port?: number } = {},
): Promise<EmbeddedDynamoDB> {
  return Promise.reject(new Error('not written yet'));
}
