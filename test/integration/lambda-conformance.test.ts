/**
 * The suites of what a gateway is over HTTP, through the handler of AWS Lambda: their cases are those of the files that are
 * named here. Each goes through one kind of events; `npm run test:long` has each go through all.
 */
import { basename } from 'node:path';
import type * as LambdaFront from '../support/lambda-front';
import type * as RunningGateway from '../support/running-gateway';
import { amountOf } from '../support/amounts';
import { type EventSender, eventSenders } from '../support/lambda-events';

let mockSender: EventSender;

jest.mock('../support/running-gateway', (): typeof RunningGateway => {
  const { startLambdaGateway } = jest.requireActual<typeof LambdaFront>('../support/lambda-front');
  return {
    ...jest.requireActual<typeof RunningGateway>('../support/running-gateway'),
    startTestGateway: (options) => startLambdaGateway(mockSender, options),
  };
});

const suites = [
  './gateway-http-audit.test',
  './identity.test',
  './cache-headers.test',
  './limit-classes.test',
] as const;

const senders = amountOf('WEIR_LAMBDA_SENDERS', 1, eventSenders.length);

for (const [index, suite] of suites.entries())
  for (let i = 0; i < senders; i++) {
    const sender = eventSenders[(index + i) % eventSenders.length]!;
    describe(`${basename(suite, '.test')}, through events of a ${sender}`, () => {
      beforeAll(() => {
        mockSender = sender;
      });
      jest.isolateModules(() => {
        jest.requireActual(suite);
      });
    });
  }
