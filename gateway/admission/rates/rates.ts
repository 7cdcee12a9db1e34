import { isIPv4 } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { Identity } from '../../auth/identity';
import { requestError } from '../../errors';
import type { RateOptions } from '../../options/rates';
import type { ClientProtocol } from '../../options/values';
import type { Meter, Sum } from '../../telemetry/metrics/meter';
import type { AttributesOf } from '../../telemetry/metrics/metric-table';
import { type Count, RateCounter } from './rate-counter';
import type { SharedCounts } from './shared-counts';

export interface RatesOptions {
  readonly rates: readonly RateOptions[];
  readonly meter: Meter;
  /** The rates before. One that is equal but for its limit continues with its counts. @default none */
  readonly previous?: Rates | undefined;
  /** Shares counts with other gateways. @default this process counts for itself */
  readonly shared?: SharedCounts | undefined;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** The members of a request that rate limits read and set. */
export interface RateLimitedRequest {
  readonly identity: Identity;
  /** @default 'graphql' */
  readonly protocol?: ClientProtocol | undefined;
  readonly address: string | undefined;
  /** Set when the request is counted: the error if it exceeds a rate, or null. */
  rateRefusal: GraphQLError | null | undefined;
  /** Set when the request is counted, if a rate limits its cost. */
  charge: Charge | undefined;
  /** Set when the request is counted: the rate-limit headers of its answer, names and values in turn. */
  rateHeaders: readonly string[];
}

/** Counts the estimated cost of an operation. Returns the error if it exceeds a rate. */
export type Charge = (cost: number) => GraphQLError | undefined;

/** A request counts for each rate that applies, however it is answered; a refused one counts for none. */
export class Rates {
  readonly #rates: readonly Rate[];
  readonly #now: () => number;
  readonly #shared: SharedCounts | undefined;
  readonly #refused: Sum<AttributesOf<'weir.requests.limited'>>;
  readonly #subjectTo: Record<ClientProtocol, WeakMap<Identity, readonly Rate[]>> = {
    graphql: new WeakMap(),
    mcp: new WeakMap(),
  };

  static of(options: RatesOptions): Rates | undefined {
    return options.rates.length === 0 ? undefined : new Rates(options);
  }

  constructor({ rates, meter, previous, shared, now = Date.now }: RatesOptions) {
    this.#rates = rates.map((options) => ({
      options,
      counter: previous?.counterOf(options) ?? new RateCounter(options),
    }));
    this.#now = now;
    this.#shared = shared;
    this.#refused = meter.sum('weir.requests.limited');
  }

  /** Counts an authenticated request, once however often it is called. Returns the error if it exceeds a rate. */
  refuse(request: RateLimitedRequest): GraphQLError | undefined {
    if (request.rateRefusal === undefined) {
      request.rateRefusal = this.#count(request, oneRequest) ?? null;
      if (this.#ratesOf(request).some(({ options }) => options.count === 'cost'))
        request.charge = (cost) => this.#charge(request, cost);
    }
    return request.rateRefusal ?? undefined;
  }

  /** After a refusal all further operations of the request are refused, too. */
  #charge(request: RateLimitedRequest, cost: number): GraphQLError | undefined {
    request.rateRefusal ??= this.#count(request, { requests: 0, cost }) ?? null;
    return request.rateRefusal ?? undefined;
  }

  /** The same for the operations of a batch. The first one was counted with the request. */
  refuseBatch(request: RateLimitedRequest, operations: number): GraphQLError | undefined {
    return operations > 1 ? this.#count(request, { requests: operations - 1, cost: 0 }) : undefined;
  }

  private counterOf({ name, per, window, count }: RateOptions): RateCounter | undefined {
    return this.#rates.find(
      ({ options }) =>
        options.name === name && options.per === per && options.window === window && options.count === count,
    )?.counter;
  }

  #count(request: RateLimitedRequest, amounts: Amounts): GraphQLError | undefined {
    const now = this.#now();
    const counts: [Rate, Count][] = [];
    let refusing: Rate | undefined;
    for (const rate of this.#ratesOf(request)) {
      const key = keyOf(rate.options.per, request);
      if (key === undefined) continue;
      const count = rate.counter.of(key, now);
      if (isTooMuch(rate.options, count.used, amounts)) refusing ??= rate;
      counts.push([rate, count]);
    }
    if (counts.length === 0) return undefined;
    let policy = '';
    let left = '';
    for (const [{ options, counter }, count] of counts) {
      if (refusing === undefined) {
        const amount = amounts[options.count];
        count.used += amount;
        if (amount > 0) this.#shared?.add(count, amount);
      }
      const comma = policy === '' ? '' : ', ';
      policy += `${comma}"${options.name}";q=${options.limit}${unitOf[options.count]};w=${counter.length}`;
      left += `${comma}"${options.name}";r=${Math.max(0, options.limit - count.used)};t=${counter.left(now)}`;
    }
    request.rateHeaders = ['ratelimit-policy', policy, 'ratelimit', left];
    return refusing && this.#refusal(refusing, now);
  }

  #refusal({ options: { name, limit, count }, counter }: Rate, now: number): GraphQLError {
    this.#refused.add(1, { rate: name });
    const retryAfter = counter.left(now);
    return requestError(
      'RATE_LIMITED',
      { rate: name, limit, unit: count, window: counter.length, retryAfter },
      { headers: { 'retry-after': String(retryAfter) } },
    );
  }

  #ratesOf({ identity, protocol: own = 'graphql' }: RateLimitedRequest): readonly Rate[] {
    const known = this.#subjectTo[own];
    let rates = known.get(identity);
    if (rates === undefined) {
      rates = this.#rates.filter(
        ({ options: { mode, protocol, client, group } }) =>
          (protocol === undefined || own === protocol) &&
          (mode === undefined || identity.mode === mode) &&
          (client === undefined || identity.client === client) &&
          (group === undefined || identity.groups.includes(group)),
      );
      known.set(identity, rates);
    }
    return rates;
  }
}

/** How much a request counts, by unit. */
type Amounts = Readonly<Record<RateOptions['count'], number>>;
const oneRequest: Amounts = { requests: 1, cost: 0 };

/** Whether the amounts exceed a rate. A rate of cost admits while anything is left: costs are known later. */
function isTooMuch({ count, limit }: RateOptions, used: number, { requests, cost }: Amounts): boolean {
  if (count === 'requests') return requests > 0 && used + requests > limit;
  return used + (requests > 0 ? Math.max(cost, 1) : cost) > limit;
}

/** The unit of a quota in the headers (draft-ietf-httpapi-ratelimit-headers). Requests are its default. */
const unitOf: Readonly<Record<RateOptions['count'], string>> = { requests: '', cost: ';qu="cost"' };

interface Rate {
  readonly options: RateOptions;
  readonly counter: RateCounter;
}

/** The key under which a request is counted; undefined if the rate does not apply to it. */
function keyOf(per: RateOptions['per'], { identity, address = '' }: RateLimitedRequest): string | undefined {
  switch (per) {
    case 'everybody':
      return '';
    case 'client':
      return identity.client;
    case 'identity':
      // Anonymous callers are counted by address.
      return identity.principal === '' ? networkOf(address) : identity.principal;
    case 'address':
      return networkOf(address);
    default:
      return per satisfies never;
  }
}

/** An IPv4 address, or the /64 of an IPv6 address: its one customer can change addresses within it. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const tail = address.slice(address.lastIndexOf(':') + 1);
  if (isIPv4(tail)) return tail;
  const [head = '', rest] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeros = rest === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...last];
  return groups.slice(0, 4).join(':');
}
