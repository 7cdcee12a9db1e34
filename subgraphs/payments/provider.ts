/** Who moves the money. Commands are idempotent by reference. */
export interface PaymentProvider {
  /**
   * Charges once per reference, however often it is called. Calls `answered` with each answer, which may come late,
   * twice, or never. Rejects when the provider cannot be reached; the money may have been taken nevertheless.
   */
  charge(request: ChargeRequest, answered: (answer: ChargeAnswer) => void): Promise<void>;
  /**
   * Gives back what was charged under the reference, and closes it: a later charge is `refused`. This is what providers
   * call to cancel a payment intent. Rejects when the provider cannot be reached.
   */
  refund(reference: string): Promise<void>;
}

export interface ChargeRequest {
  readonly reference: string;
  /** In cents of a euro. */
  readonly amount: number;
  /** What the provider gave the buyer in place of the card's number. */
  readonly token: string;
}

/** `refused`: the reference was refunded or closed before. */
export type ChargeAnswer = 'charged' | 'declined' | 'refused';
