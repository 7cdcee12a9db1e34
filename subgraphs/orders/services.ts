import { SubgraphError, type RequestScope } from '../../kit';
import { type OrderLine } from './table';

/**
 * What orders requests of other services. Each command is idempotent by the order's id. Throws the errors that its
 * description names, and `UNAVAILABLE` for every other failure: then the command may have been carried out or not.
 */
export interface Services {
  /** The price of all lines, in cents of a euro. Throws `NOT_FOUND` for a product that does not exist. */
  priceOf(lines: readonly OrderLine[]): Promise<number>;
  /** Throws `OUT_OF_STOCK` if not all lines are in stock. */
  reserveStock(orderId: string, lines: readonly OrderLine[]): Promise<void>;
  releaseStock(orderId: string): Promise<void>;
  /** Throws `PAYMENT_DECLINED`. */
  takePayment(payment: PaymentOfOrder): Promise<void>;
  refundPayment(orderId: string): Promise<void>;
  announceShipment(orderId: string, country: string): Promise<void>;
  withdrawShipment(orderId: string): Promise<void>;
}

export interface PaymentOfOrder {
  readonly orderId: string;
  readonly payerId: string;
  /** In cents of a euro. */
  readonly amount: number;
  readonly token: string;
}

export const serviceOptions = {
  inventoryUrl: {
    description: "inventory's GraphQL endpoint, where stock is set aside",
    default: 'http://127.0.0.1:4003/graphql',
  },
  paymentsUrl: {
    description: "payments' GraphQL endpoint, where orders are paid",
    default: 'http://127.0.0.1:4007/graphql',
  },
  productsUrl: {
    description: "products' GraphQL endpoint, which knows the prices",
    default: 'http://127.0.0.1:4002/graphql',
  },
  shippingUrl: {
    description: 'the GraphQL endpoint of the AppSync API shipping, which is told what to send',
    default: 'http://127.0.0.1:4006/graphql',
  },
  shippingApiKey: { description: 'the key of the AppSync API shipping', default: 'da2-development' },
} as const;

export interface ServicesScope extends Pick<
  RequestScope<keyof typeof serviceOptions>,
  'options' | 'fetch' | 'sign'
> {
  readonly signal: AbortSignal;
}

export function connectServices({ options, fetch, sign, signal }: ServicesScope): Services {
  /** The services are called directly and not through the gateway, as clients must not send these mutations. */
  async function call<Data>({ service, url, query, variables, headers, codes = [] }: Call): Promise<Data> {
    const body = JSON.stringify({ query, variables });
    let answer: GraphQLAnswer;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...(headers ?? sign(service, body)), 'content-type': 'application/json' },
        body,
        signal,
      });
      answer = (await response.json()) as GraphQLAnswer;
    } catch (error) {
      throw noAnswer(service, error);
    }
    const [error] = answer.errors ?? [];
    const { code, upc } = error?.extensions ?? {};
    if (error && code !== undefined && codes.includes(code as Code)) {
      throw new SubgraphError(code as Code, error.message, upc === undefined ? {} : { upc });
    }
    if (error || answer.data == null) throw noAnswer(service, error ?? answer);
    return answer.data as Data;
  }

  const inventory = { service: 'inventory', url: options.inventoryUrl };
  const payments = { service: 'payments', url: options.paymentsUrl };
  const shipping = {
    service: 'shipping',
    url: options.shippingUrl,
    headers: { 'x-api-key': options.shippingApiKey },
  };
  return {
    async priceOf(lines) {
      const { _entities: products } = await call<{ _entities: readonly ({ price: number } | null)[] }>({
        service: 'products',
        url: options.productsUrl,
        query:
          'query Prices($products: [_Any!]!) { _entities(representations: $products) { ... on Product { price } } }',
        variables: { products: lines.map(({ upc }) => ({ __typename: 'Product', upc })) },
      });
      return lines.reduce((total, { upc, quantity }, i) => {
        const product = products[i];
        if (!product) throw new SubgraphError('NOT_FOUND', `There is no product "${upc}".`, { upc });
        return total + quantity * product.price;
      }, 0);
    },

    reserveStock: (orderId, lines) =>
      call({
        ...inventory,
        query:
          'mutation Reserve($orderId: ID!, $lines: [StockLineInput!]!) { reserveStock(orderId: $orderId, lines: $lines) { held } }',
        variables: { orderId, lines },
        codes: ['OUT_OF_STOCK', 'CONFLICT'],
      }),
    releaseStock: (orderId) =>
      call({
        ...inventory,
        query: 'mutation Release($orderId: ID!) { releaseStock(orderId: $orderId) { held } }',
        variables: { orderId },
      }),

    takePayment: (payment) =>
      call({
        ...payments,
        query:
          'mutation Take($orderId: ID!, $payerId: ID!, $amount: Int!, $token: ID!) { takePayment(orderId: $orderId, payerId: $payerId, amount: $amount, token: $token) { status } }',
        variables: payment,
        codes: ['PAYMENT_DECLINED', 'CONFLICT'],
      }),
    refundPayment: (orderId) =>
      call({
        ...payments,
        query: 'mutation Refund($orderId: ID!) { refundPayment(orderId: $orderId) { status } }',
        variables: { orderId },
      }),

    announceShipment: (orderId, country) =>
      call({
        ...shipping,
        query:
          'mutation Announce($orderId: ID!, $country: String!) { announceShipment(orderId: $orderId, country: $country) { orderId } }',
        variables: { orderId, country },
      }),
    withdrawShipment: (orderId) =>
      call({
        ...shipping,
        query: 'mutation Withdraw($orderId: ID!) { withdrawShipment(orderId: $orderId) }',
        variables: { orderId },
      }),
  };
}

type Code = 'CONFLICT' | 'OUT_OF_STOCK' | 'PAYMENT_DECLINED';

interface Call {
  readonly service: string;
  readonly url: string;
  readonly query: string;
  readonly variables: object;
  /** @default those of the private link */
  readonly headers?: Readonly<Record<string, string>>;
  /** Codes of errors that are passed on. @default none */
  readonly codes?: readonly Code[];
}
interface GraphQLAnswer {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLAnswerError[];
}
interface GraphQLAnswerError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly upc?: string };
}

function noAnswer(service: string, cause: unknown): SubgraphError {
  return new SubgraphError(
    'UNAVAILABLE',
    `The service ${service} does not answer at this moment.`,
    {},
    cause,
  );
}
