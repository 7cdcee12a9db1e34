import { createRequire } from 'node:module';
import type * as Chain from '@aws-sdk/credential-provider-node';
import { awsAgents } from '../outgoing';
import { renewed } from '../renewed';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The credentials that now count. */
export type GetCredentials = () => AwsCredentials | Promise<AwsCredentials>;

/**
 * Credentials as the AWS SDK finds them: environment, profile, web identity, container, instance. They are looked for
 * once, when a call first needs them, and anew before they expire.
 */
export function awsCredentials(): GetCredentials {
  return renewed(async () => {
    // Only a gateway with such a subgraph loads it.
    const { defaultProvider } = createRequire(__filename)(
      '@aws-sdk/credential-provider-node',
    ) as typeof Chain;
    // A provider of its own for each look, as those of the SDK keep what they found.
    const credentials = await defaultProvider({ clientConfig: { requestHandler: awsAgents() } })();
    return { value: credentials, expires: credentials.expiration?.getTime() };
  });
}
