import { isIPv4 } from 'node:net';
import type { GraphQLError } from 'graphql';
import type { Identity } from '../../auth/identity';
import { requestError } from '../../errors';
import type { RateOptions } from '../../options/rates';
import type { Meter, Sum } from '../../telemetry/meter';
import type { AttributesOf } from '../../telemetry/metric-table';
import { type Count, RateCounter } from './rate-counter';
import type { SharedCounts } from './shared-counts';

export interface RatesOptions {
  readonly rates: readonly RateOptions[];
  readonly meter: Meter;
  /** Where a rate that stays what it was, but for its limit, goes on counting. @default none */
  readonly previous?: Rates | undefined;
  /** Tells other gateways. @default this process counts for itself */
  readonly shared?: SharedCounts | undefined;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** What is known of a request that is counted. */
export interface Counted {
  readonly identity: Identity;
  readonly address: string | undefined;
  /** Set when it is counted: why it may not go on, or null when it may. */
  rateRefusal: GraphQLError | null | undefined;
  /** Set when it is counted, if it is subject to a rate of cost. */
  charge: Charge | undefined;
  /** Set when it is counted: what its answer says of what is left, names and values of headers in turn. */
  rateHeaders: readonly string[];
}

/** Counts what an operation of a request is going to cost; says why it may not go on, undefined when it may. */
export type Charge = (cost: number) => GraphQLError | undefined;

/**
 * How often somebody may ask. A request counts for each rate that it is subject to, however it is answered; a request
 * that is refused counts for none, so that who asks too often is served again as soon as a window ends.
 */
export class Rates {
  readonly #rates: readonly Rate[];
  readonly #now: () => number;
  readonly #shared: SharedCounts | undefined;
  readonly #refused: Sum<AttributesOf<'weir.requests.limited'>>;
  readonly #subjectTo = new WeakMap<Identity, readonly Rate[]>();

  /** Undefined where there is no rate: then nothing has to be done for it. */
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

  /**
   * Why a request whose sender is known may not go on; undefined when it may. Counts it once, however often it is asked
   * about.
   */
  refuse(request: Counted): GraphQLError | undefined {
    if (request.rateRefusal === undefined) {
      request.rateRefusal = this.#count(request, oneRequest) ?? null;
      if (this.#ratesOf(request.identity).some(({ options }) => options.count === 'cost'))
        request.charge = (cost) => this.#charge(request, cost);
    }
    return request.rateRefusal ?? undefined;
  }

  /** Who was refused once is refused for the rest of the request. */
  #charge(request: Counted, cost: number): GraphQLError | undefined {
    request.rateRefusal ??= this.#count(request, { requests: 0, cost }) ?? null;
    return request.rateRefusal ?? undefined;
  }

  /** The same for the operations of a batch beyond its first, which was counted with the request. */
  refuseBatch(request: Counted, operations: number): GraphQLError | undefined {
    return operations > 1 ? this.#count(request, { requests: operations - 1, cost: 0 }) : undefined;
  }

  private counterOf({ name, per, window, count }: RateOptions): RateCounter | undefined {
    return this.#rates.find(
      ({ options }) =>
        options.name === name && options.per === per && options.window === window && options.count === count,
    )?.counter;
  }

  #count(request: Counted, amounts: Amounts): GraphQLError | undefined {
    const now = this.#now();
    const counts: [Rate, Count][] = [];
    let refusing: Rate | undefined;
    for (const rate of this.#ratesOf(request.identity)) {
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

  #ratesOf(identity: Identity): readonly Rate[] {
    let rates = this.#subjectTo.get(identity);
    if (rates === undefined) {
      rates = this.#rates.filter(
        ({ options: { mode, client, group } }) =>
          (mode === undefined || identity.mode === mode) &&
          (client === undefined || identity.client === client) &&
          (group === undefined || identity.groups.includes(group)),
      );
      this.#subjectTo.set(identity, rates);
    }
    return rates;
  }
}

/** How much of each is asked for. */
type Amounts = Readonly<Record<RateOptions['count'], number>>;
const oneRequest: Amounts = { requests: 1, cost: 0 };

/** A request is let in while anything is left; what its operations cost is known later. */
function isTooMuch({ count, limit }: RateOptions, used: number, { requests, cost }: Amounts): boolean {
  if (count === 'requests') return requests > 0 && used + requests > limit;
  return used + (requests > 0 ? Math.max(cost, 1) : cost) > limit;
}

/** As the draft names the unit of a quota; requests are the usual one. */
const unitOf: Readonly<Record<RateOptions['count'], string>> = { requests: '', cost: ';qu="cost"' };

interface Rate {
  readonly options: RateOptions;
  readonly counter: RateCounter;
}

/** Whom a request counts for; undefined when the rate is not about it. */
function keyOf(per: RateOptions['per'], { identity, address = '' }: Counted): string | undefined {
  switch (per) {
    case 'everybody':
      return '';
    case 'client':
      return identity.client;
    case 'identity':
      // Who has proven nothing is known by the address only.
      return identity.principal === '' ? networkOf(address) : identity.principal;
    case 'address':
      return networkOf(address);
    default:
      return per satisfies never;
  }
}

/** An address of IPv4, or the /64 of one of IPv6, all of which is one customer's: to change within it costs nothing. */
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
