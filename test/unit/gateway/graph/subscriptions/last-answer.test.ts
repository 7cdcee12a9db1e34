import { GraphQLError } from 'graphql';
import { LastAnswer } from '../../../../../gateway/graph/subscriptions/last-answer';
import type { EventAnswer } from '../../../../../gateway/graph/subscriptions/prepared';
import type { CountedProgram } from '../../../../../gateway/graph/programs';

const program = {} as CountedProgram;
const event = Buffer.from('{"data":{"tick":1}}');

function answer(changes: { readonly errors?: readonly GraphQLError[]; isShareable?: boolean } = {}) {
  const { errors = [], isShareable = true } = changes;
  return { answered: { body: event, data: event, errors, errorsLeftOut: 0 }, isShareable } as EventAnswer;
}

it('finds the answer to an event with the same bytes', () => {
  const last = new LastAnswer();
  const kept = answer();
  last.keep(program, '{}', event, kept);
  expect(last.find(program, '{}', Buffer.from(event))).toBe(kept);
  last.keep(program, '{}', Buffer.from('{"data":{"tick":2}}'), answer());
  expect(last.find(program, '{}', event)).toBeUndefined();
});

it.each([
  ['another program', { ...program }, '{}', event],
  ['other variables', program, '{"a":1}', event],
  ['other bytes', program, '{}', Buffer.from('{"data":{"tick":2}}')],
])('finds none for %s', (_, otherProgram, variables, other) => {
  const last = new LastAnswer();
  last.keep(program, '{}', event, answer());
  expect(last.find(otherProgram, variables, other)).toBeUndefined();
});

it.each([
  ['has errors, which are logged for each client', event, answer({ errors: [new GraphQLError('No.')] })],
  ['is for one client', event, answer({ isShareable: false })],
  ['is large', Buffer.alloc(100_000, 32), answer()],
])('keeps none that %s', (_, body, given) => {
  const last = new LastAnswer();
  last.keep(program, '{}', body, given);
  expect(last.find(program, '{}', body)).toBeUndefined();
});
