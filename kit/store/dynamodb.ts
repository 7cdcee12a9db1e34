import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { openEmbeddedDynamoDB } from './embedded-dynamodb';

/** Exactly one of: an embedded DynamoDB in a folder (or in memory), an endpoint that speaks DynamoDB, AWS itself. */
export type DatabaseSettings =
  | {
      readonly kind: 'embedded';
      /** Where the data is kept; in memory when it is not given. */
      readonly folder?: string;
    }
  | {
      readonly kind: 'endpoint';
      readonly endpoint: string;
      /** Sign with the credentials of the environment, at a loopback address, too. @default false there */
      readonly credentials?: boolean;
      /** @default the one of the AWS settings, at a loopback address 'us-east-1' */
      readonly region?: string;
    }
  | { readonly kind: 'aws' };

export interface DynamoDB {
  /** A description for logs: the endpoint, or `AWS`. */
  readonly place: string;
  readonly client: DynamoDBDocumentClient;
  readonly stop: () => Promise<void>;
}

/** Connects to the DynamoDB that the settings select. Starts the embedded one when no other process runs it. */
export async function connectDynamoDB(settings: DatabaseSettings): Promise<DynamoDB> {
  switch (settings.kind) {
    case 'embedded': {
      const embedded = await openEmbeddedDynamoDB(
        settings.folder === undefined ? {} : { folder: settings.folder },
      );
      return connected(embedded.endpoint, localConfig(embedded.endpoint), () => embedded.stop());
    }
    case 'endpoint': {
      const { endpoint, credentials = false, region } = settings;
      const { credentials: anyCredentials, ...local } = localConfig(endpoint);
      return connected(endpoint, {
        ...(isLoopback(endpoint) ? local : { endpoint }),
        ...(isLoopback(endpoint) && !credentials && { credentials: anyCredentials }),
        ...(region !== undefined && { region }),
      });
    }
    case 'aws':
      return connected('AWS', {});
    default:
      return settings satisfies never;
  }
}

/** For a subgraph without tables: nothing is started or connected to for it. */
export const noDynamoDB: DynamoDB = {
  place: 'nowhere',
  client: {
    send: () => Promise.reject(new Error('This subgraph states no `tables`, so that it has no database.')),
  } as unknown as DynamoDBDocumentClient,
  stop: () => Promise.resolve(),
};

function connected(place: string, config: DynamoDBClientConfig, stopServer?: () => Promise<void>): DynamoDB {
  const client = createClient(config);
  return {
    place,
    client,
    async stop() {
      client.destroy();
      await stopServer?.();
    },
  };
}

function createClient(config: DynamoDBClientConfig): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 5000, throwOnRequestTimeout: true },
    ...config,
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Credentials for a DynamoDB on loopback: it accepts any signature, but requires one. */
function localConfig(endpoint: string) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
}

function isLoopback(endpoint: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(endpoint).hostname);
}
