import { createHash } from 'node:crypto';
import { type GraphQLLeafType, type GraphQLScalarType, isEnumType } from 'graphql';
import { examplesIn } from './examples';

/** Values of scalars, by the name of the scalar. */
export type ScalarValues = ReadonlyMap<string, readonly unknown[]>;

/** A field whose value is made up. */
export interface LeafSite {
  /** What the value depends on: type, field and key. */
  readonly identity: string;
  readonly field: string;
  readonly description: string | null | undefined;
  /** Counts on where values come in turn. */
  readonly ordinal: number;
}

export interface LeafValuesOptions {
  readonly scalars: ScalarValues;
  /** The values of an enum that clients may see. */
  readonly enumValues: (name: string) => readonly string[];
}

/** Makes up values of scalars and enums: equal ones for an equal site. */
export class LeafValues {
  readonly #options: LeafValuesOptions;

  constructor(options: LeafValuesOptions) {
    this.#options = options;
  }

  of(type: GraphQLLeafType, site: LeafSite): unknown {
    if (isEnumType(type)) return inTurn(this.#options.enumValues(type.name), site.ordinal);
    const hash = hashOf(site.identity);
    const given = this.#options.scalars.get(type.name);
    if (given !== undefined) return inTurn(given, site.ordinal);
    const examples = [examplesIn(site.description), examplesIn(type.description)]
      .map((texts) => texts.flatMap((text) => fitting(type, text)))
      .find(({ length }) => length > 0);
    if (examples !== undefined) return inTurn(examples, site.ordinal);
    return (Object.hasOwn(wellKnown, type.name) ? wellKnown[type.name]! : text)(hash, site);
  }
}

/** A number from 0 to 2³² - 1, equal for equal texts in every process. */
export const hashOf = (identity: string): number =>
  createHash('sha256').update(identity).digest().readUInt32BE();

export const inTurn = <Value>(values: readonly Value[], ordinal: number): Value =>
  values[ordinal % values.length]!;

/** Whether a value from elsewhere is one of the type. */
export function isValueOf(type: GraphQLLeafType, value: unknown): boolean {
  if (value == null) return false;
  try {
    return type.serialize(value) != null;
  } catch {
    return false;
  }
}

/** An example as a value of the type; none if it is not one. */
function fitting(type: GraphQLScalarType, example: string): unknown[] {
  if (type.name === 'Boolean') return ['true', 'false'].includes(example) ? [example === 'true'] : [];
  if (type.name !== 'Int' && type.name !== 'Float') return [example];
  const number = example.trim() === '' ? Number.NaN : Number(example);
  try {
    return [type.serialize(number)];
  } catch {
    return [];
  }
}

const text = (hash: number, { field }: LeafSite): string => `${field} ${hash.toString(36)}`;

const moment = (hash: number): string =>
  new Date(Date.UTC(2025, 0, 1) + (hash % 31_536_000) * 1000).toISOString();
const date = (hash: number): string => moment(hash).slice(0, 10);
const time = (hash: number): string => moment(hash).slice(11);
const url = (hash: number): string => `https://example.com/${hash.toString(36)}`;
const email = (hash: number): string => `${hash.toString(36)}@example.com`;
const whole = (hash: number): number => hash % 1000;

/** The scalars of GraphQL and AppSync, and those that many graphs have. */
const wellKnown: Readonly<Record<string, (hash: number, site: LeafSite) => unknown>> = {
  Int: whole,
  Float: (hash) => (hash % 100_000) / 100,
  Boolean: (hash, { field }) =>
    // A client that reads page after page must come to an end.
    field !== 'hasNextPage' && field !== 'hasPreviousPage' && hash % 2 === 1,
  ...{ DateTime: moment, AWSDateTime: moment, Timestamp: moment, Date: date, AWSDate: date },
  ...{
    Time: time,
    AWSTime: time,
    AWSTimestamp: (hash: number) => Math.floor(Date.parse(moment(hash)) / 1000),
  },
  ...{ URL: url, URI: url, AWSURL: url, Email: email, EmailAddress: email, AWSEmail: email },
  ...{ BigInt: whole, Long: whole, Decimal: (hash: number) => ((hash % 100_000) / 100).toFixed(2) },
  ...{
    JSON: (hash: number) => ({ value: whole(hash) }),
    JSONObject: (hash: number) => ({ value: whole(hash) }),
  },
  AWSJSON: (hash) => JSON.stringify({ value: whole(hash) }),
  AWSPhone: (hash) => `+1555${String(hash % 10_000_000).padStart(7, '0')}`,
  AWSIPAddress: (hash) => `192.0.2.${hash % 256}`,
  UUID: (hash) => `00000000-0000-4000-8000-${hash.toString(16).padStart(12, '0')}`,
};
