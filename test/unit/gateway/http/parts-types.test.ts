import { partsTypes } from '../../../../gateway/http/parts-types';

const typesFor = partsTypes();

const sse = 'text/event-stream; charset=utf-8';
const bare = 'multipart/mixed; boundary=graphql';
const apollo = `${bare}; subscriptionSpec=1.0`;

it.each([
  ['text/event-stream', sse],
  ['Text/Event-Stream; charset="utf-8"', sse],
  ['multipart/mixed', bare],
  ['multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json', apollo],
  ['multipart/mixed;subscriptionSpec="1.0", application/json;q=0.9', apollo],
  ['application/json, multipart/mixed;q=0.1', bare],
  // What urql names for a subscription.
  ['text/event-stream, multipart/mixed', sse],
  ['text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0', apollo],
  ['multipart/mixed;deferSpec=20220824, multipart/mixed;subscriptionSpec=1.0, application/json', apollo],
  ['multipart/mixed;deferSpec=20220824', undefined],
  ['multipart/mixed;subscriptionSpec=2.0', undefined],
  ['multipart/mixed;q=0, application/json', undefined],
  ['text/event-stream;q=nothing', undefined],
  ['a"b,text/event-stream', undefined],
  ['nonsense, , text/event-stream', sse],
  ['*/*', undefined],
  ['multipart/*', undefined],
  ['', undefined],
  [undefined, undefined],
])('with "Accept: %s" events are sent as %s', (accept, mediaType) => {
  for (let again = 0; again < 2; again++) expect(typesFor(accept).events?.mediaType).toBe(mediaType);
});

it.each([
  [
    'multipart/mixed;deferSpec=20220824,application/graphql-response+json',
    ['20220824', `${bare}; deferSpec=20220824`],
  ],
  ['multipart/mixed;incrementalSpec=v0.2,application/json', ['v0.2', `${bare}; incrementalSpec=v0.2`]],
  [
    'multipart/mixed;deferSpec=20220824;q=0.9, multipart/mixed;incrementalSpec=v0.2',
    ['v0.2', `${bare}; incrementalSpec=v0.2`],
  ],
  [
    'multipart/mixed;deferSpec=20220824, multipart/mixed;incrementalSpec=v0.2',
    ['20220824', `${bare}; deferSpec=20220824`],
  ],
  ['multipart/mixed', ['v0.2', bare]],
  // What urql names for a query.
  ['application/graphql-response+json, application/json, text/event-stream, multipart/mixed', ['v0.2', sse]],
  ['multipart/mixed;subscriptionSpec=1.0, application/json', undefined],
  ['multipart/mixed;incrementalSpec=v9', undefined],
  ['*/*', undefined],
])('with "Accept: %s" the parts of one answer are in the format, and sent as, %s', (accept, expected) => {
  const { increments } = typesFor(accept);
  expect(increments && [increments.format, increments.framing.mediaType]).toEqual(expected);
});

it.each([
  ['text/event-stream', true],
  ['text/event-stream, multipart/mixed', true],
  ['text/event-stream, application/json;q=0.1', false],
  ['text/event-stream, */*;q=0.1', false],
  ['multipart/mixed;subscriptionSpec=1.0', false],
  [undefined, false],
])('with "Accept: %s" a refusal is an event: %s', (accept, isEvent) => {
  expect(typesFor(accept).isOnlyEvents).toBe(isEvent);
});

it('reads the longest headers', () => {
  expect(typesFor('text/event-stream;a="b",'.repeat(600)).isOnlyEvents).toBe(true);
  expect(typesFor('"'.repeat(16_000)).isOnlyEvents).toBe(false);
});
