import fc from 'fast-check';
import { traceparentOf, xRayHeaderOf } from '../../../../../kit/events/channels/x-ray';

const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

it('writes a trace context of W3C as a header of X-Ray, and reads it again', () => {
  expect(xRayHeaderOf(traceparent)).toBe(header);
  expect(traceparentOf(header)).toBe(traceparent);
  expect(traceparentOf(xRayHeaderOf(traceparent.replace(/01$/, '00'))!)).toBe(
    traceparent.replace(/01$/, '00'),
  );
});

it.each(['', '00-1-2-3', traceparent.replace('5', '_')])(
  'makes no header of the trace context "%s"',
  (broken) => {
    expect(xRayHeaderOf(broken)).toBeUndefined();
  },
);

it.each([
  '',
  'Root=1-2-3',
  'Root=1-5759e988-bd862e3fe1be46a994272793',
  header.replace('Parent=5', 'Parent='),
])('reads no trace context in the header "%s"', (broken) => expect(traceparentOf(broken)).toBeUndefined());

it('reads any text', () => {
  fc.assert(fc.property(fc.string(), (text) => void traceparentOf(text)));
});
