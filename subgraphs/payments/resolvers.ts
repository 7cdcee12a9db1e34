import { hasScope, type Identity, type Resolvers } from '../../kit';
import { type Loaders } from './loaders';
import { refundPayment, takePayment, type PaymentScope, type TakePaymentArgs } from './payments';
import { type Payment } from './table';

export interface Context extends PaymentScope {
  readonly identity: Identity | null;
  readonly loaders: Loaders;
}

export const resolvers: Resolvers<Context> = {
  Mutation: {
    takePayment: (_: unknown, args: TakePaymentArgs, context) => takePayment(args, context),
    refundPayment: (_: unknown, { orderId }: { orderId: string }, context) => refundPayment(orderId, context),
  },

  Payment: {
    amount: ({ amount = 0 }: Payment) => amount,
  },

  Order: {
    /** A payment is shown to whoever pays, and to support staff. */
    async payment({ id }: { id: string }, _: unknown, { identity, loaders }) {
      const payment = await loaders.payments.load({ orderId: id });
      const isVisible = identity && (payment?.payerId === identity.id || hasScope(identity, 'support'));
      return isVisible ? payment : null;
    },
  },
};
