/**
 * The suites of what a gateway is over HTTP, through the handlers of AWS Lambda: their cases are those of the files that are
 * named here. Each goes through one kind of events; `npm run test:long` has each go through all.
 */
import { basename } from 'node:path';
import type * as Identities from '../support/identities';
import type * as LambdaFront from '../support/lambda-front';
import type * as RunningGateway from '../support/running-gateway';
import { amountOf } from '../support/amounts';
import { eventSenders } from '../support/lambda-events';
import { streamingSenders } from '../support/lambda-front';

/** Where the events come from, and whether they are answered by streams. */
type Way = { readonly sender: LambdaFront.StreamingSender; readonly streams: true } | Buffered;
interface Buffered {
  readonly sender: (typeof eventSenders)[number];
  readonly streams: false;
}

let mockWay: Way;

/** One copy for all suites: what a gateway loads late comes from no suite's copy of the modules. */
const mockActual = {
  identities: jest.requireActual<typeof Identities>('../support/identities'),
  running: jest.requireActual<typeof RunningGateway>('../support/running-gateway'),
  front: jest.requireActual<typeof LambdaFront>('../support/lambda-front'),
};

jest.mock('../support/identities', () => mockActual.identities);
jest.mock('../support/running-gateway', (): typeof RunningGateway => ({
  ...mockActual.running,
  startTestGateway: (options) =>
    mockWay.streams
      ? mockActual.front.startStreamingGateway(mockWay.sender, options)
      : mockActual.front.startLambdaGateway(mockWay.sender, options),
}));

const streamed = streamingSenders.map((sender): Way => ({ sender, streams: true }));
const all = [...eventSenders.map((sender): Way => ({ sender, streams: false })), ...streamed];

const suites: readonly [string, readonly Way[]][] = [
  ['./gateway-http-audit.test', all],
  ['./identity.test', all],
  ['./cache-headers.test', all],
  ['./limit-classes.test', all],
  ['./event-stream.test', streamed],
];

const count = amountOf('WEIR_LAMBDA_SENDERS', 1, all.length);

for (const [index, [suite, ways]] of suites.entries())
  for (let i = 0; i < Math.min(count, ways.length); i++) {
    const way = ways[(index + i) % ways.length]!;
    const answers = way.streams ? 'answered by streams' : 'answered in one piece';
    describe(`${basename(suite, '.test')}, through events of a ${way.sender}, ${answers}`, () => {
      beforeAll(() => {
        mockWay = way;
      });
      jest.isolateModules(() => {
        jest.requireActual(suite);
      });
    });
  }
