import { memoryEventSource } from '../../../../kit';

// `test/contracts/event-source.test.ts` says what every event source does.
it.each([0, -1, 1.5, NaN])('refuses to keep %d events', (kept) => {
  expect(() => memoryEventSource({ kept })).toThrow(
    `\`kept\` must be a positive number of events, but got: ${kept}`,
  );
});
