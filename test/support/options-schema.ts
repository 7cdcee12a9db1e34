import type { JsonSchema } from '../../gateway/options/problem';

/** An option, however deep, and a way to write options that have it. */
export interface OptionPlace {
  /** Such as `subgraphs.NAME.auth.key`; lists have `[]`. */
  readonly name: string;
  /** The names of maps, lists and options to it, as in an error. */
  readonly path: readonly PropertyKey[];
  readonly node: JsonSchema;
  readonly isRequired: boolean;
  /** Whether `null` switches it off, and `off` where that is no value of its own. `node` is without these. */
  readonly mayBeOff: boolean;
  /** Options with this value there, and with all that must stand beside it. */
  readonly with: (value: unknown) => Record<string, unknown>;
}

/** All options in a JSON schema of options, the members of lists and maps among them. */
export function optionPlaces(schema: JsonSchema): OptionPlace[] {
  return membersOf(schema, { name: '', path: [], with: (value) => value as Record<string, unknown> });
}

type Around = Pick<OptionPlace, 'name' | 'path' | 'with'>;

function membersOf(node: JsonSchema, around: Around): OptionPlace[] {
  const {
    properties = {},
    required = [],
    additionalProperties: free,
    propertyNames,
    items,
    anyOf = [],
  } = node;
  // Names that are paths of events, of which this is one.
  const names = new RegExp(propertyNames?.pattern ?? '');
  const name = ['NAME', 'subject', 'shop@prod'].find((each) => names.test(each))!;
  const place = (
    key: PropertyKey,
    inner: JsonSchema,
    isRequired: boolean,
    wrap: (value: unknown) => unknown,
  ) => {
    const shown = inner === free ? 'NAME' : String(key);
    const step = typeof key === 'number' ? '[]' : `${around.name === '' ? '' : '.'}${shown}`;
    const found = {
      name: `${around.name}${step}`,
      path: [...around.path, key],
      ...withoutOff(inner),
      isRequired,
      with: (value: unknown) => around.with(wrap(value)),
    };
    return [found, ...membersOf(inner, found)];
  };
  return [
    ...Object.entries(properties).flatMap(([key, inner]) =>
      place(key, inner, required.includes(key), (value) => ({
        ...Object.fromEntries(required.map((name) => [name, exampleOf(properties[name]!)])),
        ...companions(around.name, key),
        [key]: value,
      })),
    ),
    ...(typeof free === 'object' ? place(name, free, false, (value) => ({ [name]: value })) : []),
    ...(items === undefined ? [] : place(0, items, false, (value) => [value])),
    ...anyOf.flatMap((way) => membersOf(way, around)),
  ];
}

/** The options among them that are marked as secrets, and hold text. */
export const secretsAmong = (places: readonly OptionPlace[]): OptionPlace[] =>
  places.filter(({ node }) => isMarked(node) && takesText(node));

/** A secret that such an option may be. */
export const secretFor = ({ node: { title } }: OptionPlace): string =>
  `${title === 'URL' ? 'https://host.internal/' : ''}${'pLaNtEd0'.repeat(8)}`;

/** Whether an option is marked as a secret. */
export const isMarked = ({ writeOnly, anyOf = [] }: JsonSchema): boolean =>
  writeOnly === true || anyOf.some(isMarked);

export const takesText = ({ type, anyOf = [] }: JsonSchema): boolean =>
  type === 'string' || anyOf.some(takesText);

function withoutOff({ anyOf = [], ...node }: JsonSchema): Pick<OptionPlace, 'node' | 'mayBeOff'> {
  const ways = anyOf.filter(
    ({ type, const: value, properties }) =>
      type !== 'null' && value !== 'off' && !('off' in (properties ?? {})),
  );
  const mayBeOff = anyOf.some(({ type }) => type === 'null');
  if (anyOf.length === 0) return { node, mayBeOff };
  return { node: ways.length === 1 ? { ...ways[0], ...node } : { ...node, anyOf: ways }, mayBeOff };
}

export function exampleOf({ examples = [], anyOf = [] }: JsonSchema): unknown {
  return examples.length > 0 ? examples[0] : anyOf.map(exampleOf).find((example) => example !== undefined);
}

/** What must stand beside an option for reasons that a JSON schema does not say. */
function companions(group: string, option: string): Record<string, unknown> {
  if (option === 'off') return {};
  switch (group) {
    case '':
      return option === 'graphs' ? { supergraph: { registry: 'folder' } } : {};
    case 'graphs.choose[]':
      if (option === 'host') return { graph: 'shop@partners' };
      return option === 'header'
        ? { groups: ['staff'] }
        : option === 'claim'
          ? {}
          : { header: 'x-weir-graph', groups: ['staff'] };
    case 'graphs.allow[]':
      return option === 'graph' ? { groups: ['staff'] } : {};
    case 'overrides.NAME':
      return option === 'claim' ? {} : { header: 'x-weir-override', groups: ['staff'] };
    case 'supergraph':
      if (option === 'registry') return { graph: 'shop@prod' };
      if (option === 'graph') return { registry: 'folder' };
      if (option === 'webhooks') return { registry: 'folder', graph: 'shop@prod' };
      return ['file', 'url'].includes(option) ? {} : { file: 'supergraph.graphql' };
    case 'supergraph.webhooks.NAME':
      return option === 'url' ? { secrets: ['A'.repeat(32)] } : {};
    case 'auth.iam':
      return option === 'module' || option === 'keys' ? {} : { module: 'keys.mjs' };
    case 'auth.oidc[]':
      return { audience: 'shop' };
    case 'auth.lambda':
      return ['url', 'function', 'module'].includes(option) ? {} : { url: 'https://authoriser.internal/' };
    case 'authorization.policies':
      return ['url', 'module'].includes(option) ? {} : { url: 'https://policies.internal/' };
    case 'cache':
      return option === 'redis' ? { store: 'rediss://cache.internal:6379' } : {};
    case 'events.sources.NAME':
      return option === 'redis' ? { url: 'rediss://events.internal:6379' } : {};
    case 'subgraphs.NAME.tls':
      return option === 'cert' ? { key: 'key.pem' } : option === 'key' ? { cert: 'cert.pem' } : {};
    default:
      return {};
  }
}
