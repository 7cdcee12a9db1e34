import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type RunningServer, serveHttp1 } from './subgraph-servers';

/** A request for a token. */
export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly form: Readonly<Record<string, string>>;
}

export interface TokenEndpoint extends Pick<RunningServer, 'url' | 'stop'> {
  readonly requests: TokenRequest[];
  /** What is answered. @default an opaque token `for AUDIENCE: …` that depends on the subject token, for an hour */
  answer: (request: TokenRequest) => Promise<EndpointAnswer> | EndpointAnswer;
}

export interface EndpointAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** A token endpoint that exchanges every token. */
export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  const requests: TokenRequest[] = [];
  const server = await serveHttp1((request, response, body) => {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    const received = { authorization: request.headers.authorization, form };
    requests.push(received);
    void Promise.resolve(endpoint.answer(received)).then(({ status = 200, body: answer }) => {
      response.statusCode = status;
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  const endpoint: TokenEndpoint = {
    url: server.url,
    requests,
    answer: ({ form }) => ({ body: exchanged(exchangedFor(form['subject_token']!, form['audience']!)) }),
    stop: () => server.stop(),
  };
  return endpoint;
}

/** What the default answer makes of a token: it does not contain it. */
export const exchangedFor = (subjectToken: string, audience: string): string =>
  `${audience}-${Buffer.from(subjectToken.slice(-9)).toString('hex')}`;

/** An answer with a token. */
export const exchanged = (token: string, more: object = {}) => ({
  access_token: token,
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: 3600,
  ...more,
});

const keys = generateKeyPair('ES256', { extractable: true });

/** A token of whoever. */
export const tokenWith = async (claims: JWTPayload): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign((await keys).privateKey);

export const clientKeys = async () => ({
  clientKey: JSON.stringify({ ...(await exportJWK((await keys).privateKey)), alg: 'ES256', kid: 'one' }),
  publicKey: (await keys).publicKey,
});
