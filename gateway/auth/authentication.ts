import { GraphQLError } from 'graphql';
import { requestError } from '../errors';
import type { Options } from '../options';
import { loggedIds, type LogSubject } from '../telemetry/logged-ids';
import type { Logger } from '../telemetry/logger';
import { apiKeys } from './modes/api-key';
import { type Authenticator, type Proof, type AuthRequest, unauthenticated } from './authenticator';
import { cognitoIssuer } from './modes/cognito';
import { iam } from './modes/iam';
import { anonymous, type Identity, type Mode } from './identity';
import { lambda } from './modes/lambda';
import { oidcIssuer } from './modes/oidc';
import { tokens } from './modes/tokens';
import { withMetadata } from './protected-resource';
import type { UsedSignatures } from '../net/used-signatures';

/**
 * Authenticates a request, once. Returns whether it is accepted: then `request.identity` is its caller, otherwise
 * `request.refusal` is the error. Neither throws nor rejects.
 */
export type Admit = (request: AuthenticatedRequest, received: AuthRequest) => boolean | Promise<boolean>;

/** Objects to a request whose subscription runs. */
export type ObjectTo = (
  request: Pick<AuthenticatedRequest, 'head' | 'identity' | 'proof'>,
) => Error | undefined;

/** A request that is authenticated. */
export interface AuthenticatedRequest extends LogSubject {
  readonly head: Pick<AuthRequest, 'headers'>;
  readonly identity: Identity;
  /** Set where it is accepted. */
  proof: Proof | undefined;
  /** Set where it is refused: why. */
  refusal: Error | undefined;
  /** Set where it is refused: the mode of its credentials. */
  refusedBy: Mode | undefined;
}

export interface AuthenticationOptions {
  readonly options: Options['auth'];
  /** `mcp.resource`. @default undefined: there are no tools, or no tokens for them */
  readonly resource?: string | undefined;
  /** The used signatures of the process. */
  readonly usedSignatures: UsedSignatures;
  readonly logger: Logger;
}

export interface Authentication {
  readonly admit: Admit;
  /**
   * The same for a request whose body has not arrived. If the body is needed for authentication, the request is
   * accepted for now.
   */
  readonly admitByHeaders: Admit;
  /**
   * Why these options do not let in a caller that other options have let in; undefined if they do. An API key is looked up
   * again, and the request gets its new expiry. Anonymous callers are refused where these options let in none. Other
   * credentials count until they expire.
   */
  readonly objectionTo: ObjectTo;
  close(): void;
}

/** Creates the authentication. Undefined without an auth mode; then all callers are `anonymous`. */
export function createAuthentication(given: AuthenticationOptions): Authentication | undefined {
  const { options, resource, logger } = given;
  const modes = configuredModes(given);
  if (modes.length === 0) return undefined;
  const challenge = challengeOf(modes);
  const keys = apiKeys(options.apiKeys);
  const nobody: Proof = { identity: anonymous };

  function prove(received: AuthRequest): Proof | Promise<Proof> {
    const mode = modes.find((each) => each.recognises(received));
    if (mode !== undefined) return mode.authenticate(received);
    if (options.anonymous) return nobody;
    throw unauthenticated(noCredentials, challenge);
  }

  const admit: Admit = (request, received) => {
    if (request.proof !== undefined) return true;
    if (request.refusal !== undefined) return false;
    const accept = (proof: Proof): true => {
      request.proof = proof;
      return true;
    };
    const refuse = (error: unknown): false => {
      request.refusal =
        received.protocol === 'mcp' ? withMetadata(asAnswer(error), resource) : asAnswer(error);
      if (!(error instanceof GraphQLError))
        logger.error({ err: error, ...loggedIds(request) }, 'authentication failed');
      else request.refusedBy = modes.find((each) => each.recognises(received))?.modeOf(received) ?? 'none';
      return false;
    };
    try {
      const proof = prove(received);
      return 'then' in proof ? proof.then(accept, refuse) : accept(proof);
    } catch (error) {
      return refuse(error);
    }
  };
  const admitByHeaders: Admit = (request, received) =>
    modes.find((each) => each.recognises(received))?.needsBody === true || admit(request, received);
  const objectionTo: ObjectTo = (request) => {
    const { mode, scope } = request.identity;
    if (mode === 'none') return options.anonymous ? undefined : unauthenticated(noCredentials, challenge);
    if (mode !== 'api-key') return undefined;
    try {
      const proof = keys.authenticate(request.head);
      if (proof.identity.scope !== scope)
        return unauthenticated('The API key has other rights now.', challenge);
      request.proof = proof;
      return undefined;
    } catch (error) {
      return asAnswer(error);
    }
  };
  return { admit, admitByHeaders, objectionTo, close: () => modes.forEach((mode) => mode.close?.()) };
}

const noCredentials = 'The request has no credentials.';

/** In order of precedence: the first mode that recognises credentials decides, whatever else is sent. */
function configuredModes({
  options,
  resource,
  usedSignatures,
  logger,
}: AuthenticationOptions): Authenticator[] {
  const issuers = [
    ...options.oidc.map((each) => oidcIssuer(each, logger)),
    ...options.cognito.map((each) => cognitoIssuer(each, logger)),
  ];
  const headers = new Set(issuers.map(({ header }) => header));
  if (options.iam !== undefined || options.lambda !== undefined) headers.add('authorization');
  const modes: Authenticator[] = headers.size > 1 ? [severalCredentials([...headers])] : [];
  if (options.iam !== undefined) modes.push(iam(options.iam, { logger, used: usedSignatures }));
  for (const header of headers) {
    const own = issuers.filter((issuer) => issuer.header === header);
    if (own.length > 0) modes.push(tokens(header, own, resource));
    if (header === 'authorization' && options.lambda !== undefined)
      modes.push(lambda(options.lambda, logger));
    modes.push(unknownCredentials(header, challengeOf(modes)));
  }
  if (options.apiKeys.length > 0) modes.push(apiKeys(options.apiKeys));
  return modes;
}

/**
 * Refuses an `authorization` of no mode, or a header of tokens without one. Otherwise a request that also has an API key
 * would send it to subgraphs as if it were verified.
 */
function unknownCredentials(header: string, challenge: string): Authenticator {
  return refusing(
    ({ headers }) => headers[header] !== undefined,
    `The ${header} header is of no kind that is accepted here, or its token is of an issuer that is not trusted.`,
    challenge,
  );
}

/** Refuses credentials of users in several headers: only those in one would be verified. */
function severalCredentials(names: readonly string[]): Authenticator {
  return refusing(
    ({ headers }) => names.filter((name) => headers[name] !== undefined).length > 1,
    `The request has credentials in more than one of these headers: ${names.join(', ')}.`,
    'Bearer',
  );
}

const refusing = (
  recognises: Authenticator['recognises'],
  reason: string,
  challenge: string,
): Authenticator => ({
  challenge,
  modeOf: () => 'none',
  recognises,
  authenticate() {
    throw unauthenticated(reason, challenge);
  },
});

const challengeOf = (modes: readonly Authenticator[]): string =>
  [...new Set(modes.map(({ challenge }) => challenge))].join(', ');

function asAnswer(error: unknown): Error {
  return error instanceof GraphQLError ? error : requestError('INTERNAL_SERVER_ERROR', {});
}
