/** An application that uses AWS Amplify as it is installed, with nothing told to it of Weir. */
import { generateClient } from '@aws-amplify/api';
import { Amplify, decodeJWT } from '@aws-amplify/core';

/**
 * @param {{ endpoint: string, report: (message: object) => void }} options `report` is told each event as `{ id, data }`,
 *   with `errors` where it has some, and each failure as `{ id, failed }`
 * @returns a function that takes `{ id, operation, headers, session }`, where `operation` is what `client.graphql` takes,
 *   and the session has a `token` and `credentials`, or `{ id, stop: true }`
 */
export function createApplication({ endpoint, report }) {
  let session = {};
  // As in `amplify_outputs.json`.
  const data = {
    ...{ url: endpoint, aws_region: 'eu-west-1', api_key: 'da2-key' },
    ...{ default_authorization_type: 'API_KEY', authorization_types: [] },
  };
  Amplify.configure(
    { version: '1', data },
    {
      Auth: {
        tokenProvider: {
          getTokens: async () => (session.token ? { accessToken: decodeJWT(session.token) } : null),
        },
        credentialsProvider: {
          getCredentialsAndIdentityId: async () =>
            session.credentials && { credentials: session.credentials, identityId: 'eu-west-1:1' },
          clearCredentialsAndIdentityId: () => undefined,
        },
      },
    },
  );
  const client = generateClient();
  const running = new Map();
  return (message) => {
    const { id, operation, headers } = message;
    if (message.stop) {
      running.get(id)?.unsubscribe();
      return;
    }
    session = message.session ?? session;
    const fail = (error) => report({ id, failed: error.errors?.[0].message ?? String(error) });
    const next = ({ data, errors }) => report({ id, data, ...(errors && { errors }) });
    const result = client.graphql(operation, headers);
    if ('subscribe' in result) running.set(id, result.subscribe({ next, error: fail }));
    else result.then(next, fail);
  };
}
