import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import type { Sink } from '../sink';

/** The error for an operation that is answered in parts, where its client takes none. */
export const partsNotTaken = ({ carriesParts }: Pick<Sink, 'carriesParts'>): GraphQLError =>
  requestError('NOT_ACCEPTABLE', { parts: carriesParts ? 'not named' : 'not sent' });
