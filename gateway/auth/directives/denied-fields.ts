import { type GraphQLSchema, isInterfaceType, isObjectType, OperationTypeNode } from 'graphql';
import type { Protections } from '../../planning';
import type { Logger } from '../../telemetry/logger';
import { coordinateOf } from '../coordinate';
import type { Identity } from '../identity';

export interface DeniedFieldsOptions {
  readonly facts: Pick<Protections, 'sources'>;
  /** The API schema. */
  readonly schema: GraphQLSchema;
  readonly logger: Pick<Logger, 'error' | 'warn'>;
}

/** The fields that Lambda authorisers deny, by the names of one supergraph. */
export class DeniedFields {
  readonly #options: DeniedFieldsOptions;
  readonly #known = new WeakMap<Identity, readonly string[] | 'unclear'>();
  /** Names that have been logged. */
  readonly #reported = new Set<string>();
  #names: ProtectedNames | undefined;

  constructor(options: DeniedFieldsOptions) {
    this.#options = options;
  }

  /**
   * The coordinates of the fields that are denied to a caller. Undefined if one has another case than in the
   * supergraph: ignoring it would permit a field that was meant to be denied.
   */
  of(identity: Identity): readonly string[] | undefined {
    if (identity.deniedFields.length === 0) return nothing;
    let denied = this.#known.get(identity);
    if (denied === undefined) this.#known.set(identity, (denied = this.#read(identity.deniedFields)));
    return denied === 'unclear' ? undefined : denied;
  }

  #read(fields: readonly string[]): readonly string[] | 'unclear' {
    const { logger } = this.#options;
    const denied: string[] = [];
    for (const text of fields) {
      const coordinates = this.#coordinatesOf(text);
      if (!coordinates.some((each) => this.#has(each))) {
        if (coordinates.length === 0 || coordinates.some((each) => this.#hasInAnotherCase(each))) {
          logger.error(
            { field: text },
            'the authoriser denies a field whose name differs from the supergraph in case: requests are refused',
          );
          return 'unclear';
        }
        if (!this.#reported.has(text) && this.#reported.size < mostReported) {
          this.#reported.add(text);
          logger.warn({ field: text }, 'the authoriser denies a field that the supergraph does not have');
        }
      }
      denied.push(...coordinates);
    }
    return denied;
  }

  /** `Query` also means the root type of queries if that has another name. */
  #coordinatesOf(text: string): readonly string[] {
    const coordinate = coordinateOf(text);
    if (coordinate === undefined) return [];
    const [type, field] = coordinate.split('.') as [string, string];
    const root = rootNames.get(type);
    const own = root && this.#options.schema.getRootType(root)?.name;
    return own === undefined || own === type ? [coordinate] : [coordinate, `${own}.${field}`];
  }

  #has(coordinate: string): boolean {
    const [typeName, field] = coordinate.split('.') as [string, string];
    const type = this.#options.schema.getType(typeName);
    if ((isObjectType(type) || isInterfaceType(type)) && Object.hasOwn(type.getFields(), field)) return true;
    return (this.#names ??= namesOf(this.#options)).internal.has(coordinate);
  }

  #hasInAnotherCase(coordinate: string): boolean {
    return (this.#names ??= namesOf(this.#options)).lower.has(coordinate.toLowerCase());
  }
}

const nothing: readonly string[] = [];
const mostReported = 1_000;

const rootNames = new Map([
  ['Query', OperationTypeNode.QUERY],
  ['Mutation', OperationTypeNode.MUTATION],
  ['Subscription', OperationTypeNode.SUBSCRIPTION],
]);

interface ProtectedNames {
  /** Coordinates of fields on which other fields depend. They may not be in the API schema. */
  readonly internal: ReadonlySet<string>;
  /** All coordinates, in lower case. */
  readonly lower: ReadonlySet<string>;
}

/** Computed when a name is first not found, as it takes some milliseconds for a large supergraph. */
function namesOf({ facts, schema }: DeniedFieldsOptions): ProtectedNames {
  const internal = new Set([...facts.sources].flatMap(([field, sources]) => [field, ...sources]));
  const lower = new Set([...internal].map((name) => name.toLowerCase()));
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    const roots = [...rootNames].filter(([, root]) => schema.getRootType(root) === type);
    for (const name of [type.name, ...roots.map(([root]) => root)])
      for (const field of Object.keys(type.getFields())) lower.add(`${name}.${field}`.toLowerCase());
  }
  return { internal, lower };
}
