import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import type { ResponsePart, ResponseParts, Sink } from '../sink';

export interface OnlyPartOptions {
  readonly kind: ResponseParts['kind'];
  readonly ending?: ResponsePart['ending'];
  /** Called when the client has room for more. */
  readonly release?: (() => void) | undefined;
}

/** An answer that is whole, for a client that takes answers in parts alone. */
export function onlyPart(body: Buffer, { kind, ending, release }: OnlyPartOptions): ResponseParts {
  return {
    kind,
    async forEach(take) {
      await take({ body, ending });
      release?.();
    },
    close: () => undefined,
  };
}

/** Whether a client takes parts of any kind. */
export const takesParts = ({ events, incremental }: Sink): boolean =>
  events !== undefined || incremental !== undefined;

/** The error for an operation that is answered in parts, where its client takes none. */
export const partsNotTaken = ({ carriesParts }: Pick<Sink, 'carriesParts'>): GraphQLError =>
  requestError('NOT_ACCEPTABLE', { parts: carriesParts ? 'not named' : 'not sent' });
