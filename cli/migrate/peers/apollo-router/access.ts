/** Who may do what at Apollo Router, and what runs there of one's own. */
import { aside, different, guards, none, type Row, same } from '../../table';
import { byHand, choice, noOption, to, text } from '../../values';
import {
  addHeader,
  furtherHeader,
  needIssuer,
  neverInCookies,
  ofHeader,
  ofHeaders,
  takeAlgorithms,
  takeAudiences,
  takeHeader,
  takeIssuers,
  takeKeySet,
  takePrefix,
} from '../tokens';

/** Of tokens; in the first releases of version 1 without `router`. */
const jwt = (name: string): string[] =>
  ['authentication.router.jwt', 'authentication.jwt'].map((around) => `${around}.${name}`);
const extensions = 'Write [hooks and interceptors](extending.md) in TypeScript or JavaScript.';

export const accessRows = (): Row[] =>
  guards(
    same(jwt('jwks.*.url'), '`auth.oidc[].jwks`', (value, at) => {
      if (at.inFile('authorization', 'require_authentication') !== true)
        at.otherwise(
          ['auth', 'anonymous'],
          true,
          'Apollo Router lets requests without a token in unless `authorization.require_authentication` is true',
        );
      return takeKeySet(value, at, at.names[0]!);
    }),
    same([...jwt('jwks.*.issuers'), ...jwt('jwks.*.issuer')], '`auth.oidc[].issuer`', (value, at) =>
      takeIssuers(value, at, at.names[0]!, at.beside('url')),
    ),
    same(jwt('jwks.*.audiences'), '`auth.oidc[].audience`', (value, at) =>
      takeAudiences(value, at, at.names[0]!),
    ),
    same(jwt('jwks.*.algorithms'), '`auth.oidc[].algorithms`', (value, at) =>
      takeAlgorithms(value, at, at.names[0]!),
    ),
    none(
      jwt('jwks.*.headers.**'),
      'Key sets are fetched without headers of your own: write the set as `auth.oidc[].jwks`.',
    ),
    same(jwt('header_name'), '`auth.oidc[].header`', (value, at) => takeHeader(value, at), ofHeader),
    same(jwt('header_value_prefix'), '`auth.oidc[].prefix`', (value, at) => takePrefix(value, at)),
    aside(different(jwt('on_error'), '', 'A token that is wrong is always refused.')),
    aside(
      different(
        jwt('ignore_other_prefixes'),
        '',
        'Credentials of another kind are refused, unless they belong to another mode of `auth`.',
      ),
    ),
    same(jwt('sources.*.type'), '`auth.oidc[].header`', (value) =>
      value === 'header' ? undefined : noOption(neverInCookies),
    ),
    same(
      jwt('sources.*.name'),
      '`auth.oidc[].header`',
      (value, at) => (at.beside('type') === 'header' ? addHeader(value, at) : noOption(neverInCookies)),
      ofHeaders,
    ),
    same(jwt('sources.*.value_prefix'), '`auth.oidc[].prefix`', (value, at) =>
      at.beside('type') === 'header' ? takePrefix(value, at, furtherHeader(at)) : undefined,
    ),
    aside(none('authentication.connector.**', 'There are no connectors.')),
    same('authorization.require_authentication', '`auth.anonymous`', (value, at) => {
      if (typeof value !== 'boolean') return byHand('Set `auth.anonymous` by hand.');
      if (
        [['router', 'jwt'], ['jwt']].every(
          (keys) => at.inFile('authentication', ...keys, 'jwks') === undefined,
        )
      )
        return byHand('Weir requires credentials as soon as `auth` has a mode: configure one.');
      at.set('auth.anonymous', !value);
      return undefined;
    }),
    same(
      'authorization.directives.enabled',
      '',
      undefined,
      '`@authenticated`, `@requiresScopes` and `@policy` always count.',
    ),
    same(
      'authorization.directives.reject_unauthorized',
      '`authorization.refused`',
      choice(
        'authorization.refused',
        new Map([
          [true, 'reject'],
          [false, undefined],
        ] as const),
      ),
    ),
    none('authorization.directives.dry_run', 'They always count.'),
    aside(none('authorization.directives.errors.**', 'Refused fields are errors in the answer.')),
    different('forbid_mutations', '', 'Refuse them in the hook [`onOperation`](extending.md#hooks).'),
    none('rhai.**', extensions),
    none(
      'coprocessor.**',
      `${extensions} One that only authenticates can be \`auth.lambda.url\`, with the contract of AppSync's Lambda authorisers.`,
    ),
    none('plugins.**', extensions),
    none('wasm.**', extensions),
  ).concat(
    same(
      jwt('jwks.*.poll_interval'),
      '',
      (_, at) => needIssuer(at, at.names[0]!),
      'Keys are fetched again when they are unknown or old.',
    ),
    ...subgraphSigning(),
  );

function subgraphSigning(): Row[] {
  const signing = 'authentication.subgraph.subgraphs.*.aws_sig_v4';
  const ways = ['hardcoded', 'default_chain'];
  const both = (name: string): string[] => ways.map((way) => `${signing}.${way}.${name}`);
  const options = 'subgraphs.*.auth';
  return [
    same(both('region'), '`subgraphs.NAME.auth.region`', (value, at) => {
      at.set(`${options}.type`, 'AWS_IAM');
      return to(`${options}.region`)(value, at);
    }),
    same(both('service_name'), '`subgraphs.NAME.auth.service`', to(`${options}.service`, text)),
    ...guards(
      different(
        [...both('access_key_id'), ...both('secret_access_key')],
        '',
        'Credentials are those that the AWS SDK finds: set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or a role.',
      ),
      different(both('profile_name'), '', 'Set `AWS_PROFILE`.'),
      different(
        both('assume_role.**'),
        '',
        'Assume the role outside, as by a profile of the AWS SDK with `role_arn`.',
      ),
      none('authentication.subgraph.all.**', 'Write it for each subgraph, as `subgraphs.NAME.auth`.'),
    ),
  ];
}
