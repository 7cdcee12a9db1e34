import { openS3, reasonOf, statusOf } from '../net/s3-client';
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
  let opening: ReturnType<typeof openS3> | undefined;
  let etag: string | undefined;
  let reported: string | undefined;

  async function look(abortSignal: AbortSignal): Promise<string | undefined> {
    const client = await (opening ??= openS3(searchParams));
    const wanted = { Bucket, Key, ...(etag && { IfNoneMatch: etag }) };
    const found = await client.getObject(wanted, { abortSignal }).catch((error: unknown) => {
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
      (await opening)?.destroy();
    },
  };
}
