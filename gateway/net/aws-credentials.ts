import type * as Chain from '@aws-sdk/credential-provider-node';
import { awsAgents } from './outgoing';
import { renewed } from './renewed';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Gets the current credentials. */
export type GetCredentials = () => AwsCredentials | Promise<AwsCredentials>;

/**
 * Credentials from the AWS SDK's provider chain: environment, profile, web identity, container, instance. They are
 * fetched when a call first needs them, and again before they expire.
 */
export function awsCredentials(): GetCredentials {
  return renewed(async () => {
    // Loaded only by a gateway whose subgraphs need it.
    const { defaultProvider } = require('@aws-sdk/credential-provider-node') as typeof Chain;
    // A new provider each time, as a provider of the SDK remembers the credentials that it found.
    const credentials = await defaultProvider({ clientConfig: { requestHandler: awsAgents() } })();
    return { value: credentials, expires: credentials.expiration?.getTime() };
  });
}
