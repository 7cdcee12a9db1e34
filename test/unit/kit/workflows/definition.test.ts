import { parseDefinition, readDefinition, tasksOf } from '../../../../kit/workflows/definition';
import { StartError } from '../../../../kit/serve/start-error';
import { bookTrip, define, taskState } from '../../../support/workflows';

const end = { Done: { Type: 'Succeed' } };
const refusal = (parse: () => unknown): string => {
  try {
    parse();
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return 'not refused';
};

it('reads a definition, whose name is that of its file', () => {
  expect(bookTrip).toMatchObject({ name: 'book-trip', StartAt: 'ReserveHotel' });
  expect(tasksOf(bookTrip)).toEqual([
    'reserveHotel',
    'reserveCar',
    'pay',
    'confirm',
    'refund',
    'releaseCar',
    'releaseHotel',
  ]);
});

it.each([
  ['no JSON', '{', 'a.asl.json', /^The workflow a\.asl\.json is refused: it is not JSON: /],
  ['another name', '{}', 'Place_Order.json', /must be named like place-order\.asl\.json/],
  ['no object', '[]', 'a.asl.json', /is refused: the workflow must be of the type object/],
  ['no states', '{"StartAt":"A"}', 'a.asl.json', /States of the workflow is missing\.$/],
])('refuses %s', (_, text, file, sentence) => {
  expect(refusal(() => parseDefinition(text, file))).toMatch(sentence);
});

it('takes for compensations what nothing but an error leads to', () => {
  const undone = { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'UndoA' }] };
  const { compensations } = define({
    A: taskState('a', { ...undone, Next: 'Which' }),
    Which: { Type: 'Choice', Choices: [{ Variable: '$.b', IsPresent: true, Next: 'B' }], Default: 'Both' },
    B: taskState('b', { ...undone, Next: 'Both' }),
    UndoA: taskState('undoA', { Next: 'Rest' }),
    Rest: { Type: 'Wait', Seconds: 1, Next: 'Both' },
    Both: { Type: 'Succeed' },
  });
  expect([...compensations]).toEqual(['UndoA', 'Rest']);
});

it('refuses a file that cannot be read', () => {
  expect(refusal(() => readDefinition('/nowhere/a.asl.json'))).toMatch(
    /^The workflow \/nowhere\/a\.asl\.json cannot be read: ENOENT/,
  );
});

it.each([
  [
    'a type that is not supported',
    { A: { Type: 'Map', Next: 'Done' }, ...end },
    'the state "A" has the Type "Map", which is not supported; use Task, Choice, Pass, Wait, Succeed, Fail.',
  ],
  [
    'a field that is not supported',
    { A: taskState('a', { HeartbeatSeconds: 3, Next: 'Done' }), ...end },
    'the state "A" has the field HeartbeatSeconds, which is not supported; it may have Comment, InputPath, OutputPath, Next, End, Type, Resource, Parameters, ResultSelector, ResultPath, TimeoutSeconds, Retry, Catch.',
  ],
  [
    'a field of a retrier that is not supported',
    { A: taskState('a', { Retry: [{ ErrorEquals: ['X'], Often: 3 }], Next: 'Done' }), ...end },
    'Retry.0 of the state "A" has the field Often, which is not supported.',
  ],
  [
    'another resource',
    { A: taskState('a', { Resource: 'arn:aws:states:::lambda:invoke', Next: 'Done' }), ...end },
    'Resource of the state "A" must be "arn:aws:states:::sqs:sendMessage.waitForTaskToken", but got: "arn:aws:states:::lambda:invoke".',
  ],
  [
    'a task without a time-out',
    { A: taskState('a', { TimeoutSeconds: undefined, Next: 'Done' }), ...end },
    'TimeoutSeconds of the state "A" is missing.',
  ],
  [
    'a time-out of more than a day',
    { A: taskState('a', { TimeoutSeconds: 86_401, Next: 'Done' }), ...end },
    'TimeoutSeconds of the state "A" must be at most 86400, but got: 86401.',
  ],
  [
    'a message without an input',
    { A: taskState('a', { Next: 'Done' }, {}), ...end },
    'Parameters.MessageBody of the state "A" must have either input or input.$.',
  ],
  [
    'a message with another field',
    { A: taskState('a', { Next: 'Done' }, { 'input.$': '$', hint: 1 }), ...end },
    'Parameters.MessageBody of the state "A" has the field hint, but may have only task, input, input.$, token.$, execution.$, state.$, retries.$, trace.$.',
  ],
  [
    'a function in a template',
    { A: taskState('a', { Next: 'Done' }, { input: { 'id.$': 'States.UUID()' } }), ...end },
    'Parameters.MessageBody of the state "A" has the field id.$ with "States.UUID()", which must be a path such as $.order.id or $$.Execution.Name; functions are not supported.',
  ],
  [
    'a path with a filter',
    { A: { Type: 'Pass', InputPath: '$.lines[?(@.upc)]', Next: 'Done' }, ...end },
    'InputPath of the state "A" must be a path of names and indexes, such as $.order.lines[0], but got: "$.lines[?(@.upc)]".',
  ],
  [
    'a state without a next one',
    { A: { Type: 'Pass' } },
    'the state "A" has neither Next nor End: name the state that follows, or end here with "End": true.',
  ],
  [
    'a state with both',
    { A: { Type: 'Pass', Next: 'Done', End: true }, ...end },
    'the state "A" has both Next and End: remove one of them.',
  ],
  [
    'a next state that is missing',
    { A: { Type: 'Pass', Next: 'B' } },
    'the state "A" leads to the state "B", which does not exist.',
  ],
  [
    'a catcher whose state is missing',
    { A: taskState('a', { Catch: [{ ErrorEquals: ['X'], Next: 'B' }], Next: 'Done' }), ...end },
    'the state "A" leads to the state "B", which does not exist.',
  ],
  [
    'a state that cannot be reached',
    { A: { Type: 'Pass', End: true }, B: { Type: 'Succeed' } },
    'the state "B" cannot be reached from StartAt: lead to it, or remove it.',
  ],
  [
    'a state that leads back to itself',
    { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } },
    'the state "A" can be reached from itself, but a task is called once for each execution and state: use Retry, or start another execution.',
  ],
  [
    'a catcher behind one of all errors',
    {
      A: taskState('a', {
        Catch: [
          { ErrorEquals: ['States.ALL'], Next: 'Done' },
          { ErrorEquals: ['X'], Next: 'Done' },
        ],
        Next: 'Done',
      }),
      ...end,
    },
    'the state "A" has States.ALL in its Catch beside or before another error: let it stand alone, and last.',
  ],
  [
    'a choice without a default',
    { A: { Type: 'Choice', Choices: [{ Variable: '$.a', IsNull: true, Next: 'Done' }] }, ...end },
    'Default of the state "A" is missing.',
  ],
  [
    'a choice that compares nothing',
    { A: { Type: 'Choice', Default: 'Done', Choices: [{ Variable: '$.a', Next: 'Done' }] }, ...end },
    /^the state "A" has a choice that must have a Variable with one of StringEquals, /,
  ],
  [
    'a comparison that is not supported',
    {
      A: {
        Type: 'Choice',
        Default: 'Done',
        Choices: [{ Not: { Variable: '$.a', StringMatches: '*' }, Next: 'Done' }],
      },
      ...end,
    },
    'Choices.0.Not of the state "A" has the field StringMatches, which is not supported.',
  ],
  [
    'a wait without a time',
    { A: { Type: 'Wait', Next: 'Done' }, ...end },
    'the state "A" must have one of Seconds, SecondsPath, Timestamp and TimestampPath.',
  ],
  ['no state at all', {}, 'StartAt of the workflow is missing.'],
])('refuses %s, by name', (_, states, sentence) => {
  const message = refusal(() => define(states)).replace('The workflow test.asl.json is refused: ', '');
  if (typeof sentence === 'string') expect(message).toBe(sentence);
  else expect(message).toMatch(sentence);
});

it('refuses more than 100 states', () => {
  const names = Array.from({ length: 101 }, (_, i) => `S${i}`);
  const states = Object.fromEntries(
    names.map((name, i) => [name, i < 100 ? { Type: 'Pass', Next: names[i + 1] } : { Type: 'Succeed' }]),
  );
  expect(refusal(() => define(states))).toMatch(/States of the workflow must have at most 100 states\.$/);
});

it('refuses a top level field that is not supported', () => {
  const text = JSON.stringify({ StartAt: 'Done', States: end, TimeoutSeconds: 3 });
  expect(refusal(() => parseDefinition(text, 'a.asl.json'))).toMatch(
    /the workflow has the field TimeoutSeconds, which is not supported; it may have Comment, StartAt, States\.$/,
  );
});
