import { z } from 'zod';
import { defineEvent } from '../../../../kit';
import { mostEventBytes, writeEvent } from '../../../../kit/events/event';

const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  version: 2,
  data: z.object({ lines: z.array(z.object({ upc: z.string(), quantity: z.int() })) }),
});

describe('defineEvent', () => {
  it('makes events of its type and version', () => {
    const lines = [{ upc: 'p1', quantity: 2 }];
    expect(OrderPlaced.create({ lines })).toEqual({ type: 'OrderPlaced', dataversion: 2, data: { lines } });
  });

  it('leaves out what the schema does not name', () => {
    expect(OrderPlaced.create({ lines: [], secret: 'x' } as never).data).toEqual({ lines: [] });
  });

  it('refuses data that is not as the schema says, and names each mistake', () => {
    const create = (): unknown => OrderPlaced.create({ lines: [{ upc: 1, quantity: 1.5 }] } as never);
    expect(create).toThrow(
      /^The event OrderPlaced is not as its schema says\. data\.lines\.0\.upc: .+; data\.lines\.0\.quantity: /,
    );
  });

  it.each(['', 'Order placed', 'Ü', 'x'.repeat(101)])('refuses the type "%s"', (type) => {
    expect(() => defineEvent({ type, data: z.unknown() })).toThrow(`but got: "${type}"`);
  });

  it.each([0, 1.5, NaN])('refuses the version %s', (version) => {
    expect(() => defineEvent({ type: 'A', version, data: z.unknown() })).toThrow(`but got: ${version}`);
  });
});

describe('writeEvent', () => {
  const cause = { correlationid: 'r1', traceparent: '00-1-2-01' };
  const written = (text: string) => JSON.parse(text) as Record<string, unknown>;

  it('adds id, subject, time and cause', () => {
    const event = written(writeEvent(OrderPlaced.create({ lines: [] }), 'o1', cause));
    expect(event).toMatchObject({
      ...cause,
      type: 'OrderPlaced',
      dataversion: 2,
      subject: 'o1',
      data: { lines: [] },
    });
    expect(event['id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(event['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect('tracestate' in event).toBe(false);
  });

  it('lets an event without a cause begin its own correlation', () => {
    const event = written(writeEvent(OrderPlaced.create({ lines: [] }), 'o1', undefined));
    expect(event['correlationid']).toBe(event['id']);
  });

  it('refuses an event over 200 KB, and names it', () => {
    const Noted = defineEvent({ type: 'Noted', data: z.string() });
    const write = (bytes: number) => writeEvent(Noted.create('x'.repeat(bytes)), 'n1', cause);
    expect(Buffer.byteLength(write(mostEventBytes - 1000))).toBeLessThanOrEqual(mostEventBytes);
    expect(() => write(mostEventBytes)).toThrow(
      /^The event Noted of "n1" has \d+ bytes; at most 204800 are allowed\. Put ids into it, not whole items\.$/,
    );
  });
});
