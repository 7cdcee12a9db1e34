import { loadPackages } from '../../optional-packages';
import { awsAgents } from './outgoing';

/**
 * A client for a bucket, with `region` and `endpoint` from the parameters of an `s3:` URL; the rest comes from the AWS
 * SDK, which is loaded only now, as loading is slow.
 *
 * @throws {MissingPackage} if the client is not installed
 */
export async function openS3(parameters: URLSearchParams) {
  const { S3 } = await loadPackages(
    'An `s3:` URL',
    ['@aws-sdk/client-s3'],
    () => import('@aws-sdk/client-s3'),
  );
  const region = parameters.get('region');
  const endpoint = parameters.get('endpoint');
  return new S3({
    ...(region !== null && { region }),
    // Other stores than Amazon's have no host name per bucket.
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    requestHandler: {
      ...awsAgents(),
      ...{ connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    },
  });
}

/** The HTTP status of the answer in an error of a client. */
export const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** What went wrong, as the end of a sentence. */
export function reasonOf(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'NoSuchKey') return 'there is no such object';
  if (name === 'NoSuchBucket') return 'there is no such bucket';
  // A refused connection is an AggregateError with a code and an empty message.
  if (message === '') return code ?? name;
  return (name === 'Error' ? message : `${name}: ${message}`).replace(/\.$/, '');
}
