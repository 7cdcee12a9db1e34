import { awsAgents } from '../subgraph-calls/outgoing';
import { createPolling } from './polling';
import type { SupergraphSource } from './source';

export interface S3SourceOptions {
  /** `s3://BUCKET/KEY?region=eu-west-1`; `endpoint=URL` for an S3 that is not Amazon's. */
  readonly url: string;
  /** Milliseconds between two polls. @default 10_000 */
  readonly pollInterval?: number;
}

/** A supergraph in an S3 bucket, fetched only if it has changed. Credentials come from the AWS SDK. */
export function s3Source({ url, pollInterval = 10_000 }: S3SourceOptions): SupergraphSource {
  const { hostname: Bucket, pathname, searchParams } = new URL(url);
  const Key = decodeURIComponent(pathname.slice(1));
  const name = `s3://${Bucket}/${Key}`;
  let opening: ReturnType<typeof openClient> | undefined;
  let etag: string | undefined;
  let reported: string | undefined;

  async function look(abortSignal: AbortSignal): Promise<string | undefined> {
    const { client, GetObjectCommand } = await (opening ??= openClient(searchParams));
    const command = new GetObjectCommand({ Bucket, Key, ...(etag && { IfNoneMatch: etag }) });
    const found = await client.send(command, { abortSignal }).catch((error: unknown) => {
      if (statusOf(error) === 304) return undefined;
      throw new Error(`The supergraph at ${name} cannot be fetched: ${reasonOf(error)}.`, { cause: error });
    });
    if (found === undefined) return undefined;
    const content = (await found.Body?.transformToString()) ?? '';
    if (content.trim() === '') throw new Error(`The supergraph at ${name} is empty.`);
    etag = found.ETag;
    if (content === reported) return undefined;
    reported = content;
    return content;
  }

  const polling = createPolling({ look, interval: pollInterval });
  return {
    start: (listener) => polling.start(listener),
    stop: async () => {
      await polling.stop();
      (await opening)?.client.destroy();
    },
  };
}

/** The SDK is loaded only for a supergraph in S3, as loading is slow. */
async function openClient(parameters: URLSearchParams) {
  const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3');
  const region = parameters.get('region');
  const endpoint = parameters.get('endpoint');
  const client = new S3Client({
    ...(region !== null && { region }),
    // Other stores than Amazon's have no host name per bucket.
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    requestHandler: {
      ...awsAgents(),
      ...{ connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    },
  });
  return { client, GetObjectCommand };
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

function reasonOf(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'NoSuchKey') return 'there is no such object';
  if (name === 'NoSuchBucket') return 'there is no such bucket';
  // A refused connection is an AggregateError with a code and an empty message.
  if (message === '') return code ?? name;
  return (name === 'Error' ? message : `${name}: ${message}`).replace(/\.$/, '');
}
