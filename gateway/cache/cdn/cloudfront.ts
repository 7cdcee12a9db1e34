import { randomUUID } from 'node:crypto';
import { loadPackages } from '../../../optional-packages';
import { awsAgents } from '../../net/outgoing';
import { PurgeRefused, type SendPurge } from './cdn-purges';

export interface CloudFrontOptions {
  readonly distribution: string;
  /** The URL of an emulator. @default AWS */
  readonly endpoint?: string | undefined;
}

/** Invalidates paths of an Amazon CloudFront distribution (CreateInvalidation), with credentials as the AWS SDK finds them. */
export function cloudFrontPurge({ distribution, endpoint }: CloudFrontOptions): SendPurge {
  let opening: ReturnType<typeof openClient> | undefined;
  return async (paths) => {
    const { client, CreateInvalidationCommand } = await (opening ??= openClient(endpoint));
    const command = new CreateInvalidationCommand({
      DistributionId: distribution,
      InvalidationBatch: {
        // Retries by the SDK have the same reference, so one call is one invalidation.
        CallerReference: `weir-${randomUUID()}`,
        Paths: { Quantity: paths.length, Items: [...paths] },
      },
    });
    try {
      await client.send(command);
    } catch (error) {
      const { name, message } = error as Error;
      if (refusals.has(name)) throw new PurgeRefused(`${name}: ${message}`, { cause: error });
      throw error;
    }
  };
}

/** Errors that would occur again with the same paths. */
const refusals = new Set(['InvalidArgument', 'BatchTooLarge']);

/** The SDK is loaded only for a gateway with a distribution, as loading is slow. */
async function openClient(endpoint: string | undefined) {
  const { CloudFrontClient, CreateInvalidationCommand } = await loadPackages(
    '`cache.cdn.cloudFront`',
    ['@aws-sdk/client-cloudfront'],
    () => import('@aws-sdk/client-cloudfront'),
  );
  const client = new CloudFrontClient({
    // CloudFront is global; its requests are signed for this region.
    region: 'us-east-1',
    ...(endpoint !== undefined && { endpoint }),
    requestHandler: {
      ...awsAgents(),
      ...{ connectionTimeout: 2_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    },
  });
  return { client, CreateInvalidationCommand };
}
