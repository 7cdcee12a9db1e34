/** Over 300 lines: a schema for each kind of state, with the sentence of each refusal. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { StartError } from '../serve/start-error';
import { isContextPath, isObject, isPath, isResultPath, type Json } from './paths';

/** A workflow in the subset of the Amazon States Language that every engine runs alike. `docs/workflows.md` has the subset. */
export interface Definition {
  /** That of its file: `place-order` of `place-order.asl.json`. */
  readonly name: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  /** The states to which nothing but an error leads: they undo what was done, and end. */
  readonly compensations: ReadonlySet<string>;
  /** The file's text. */
  readonly text: string;
  /** Names this text: executions go on with the definition that they began with. */
  readonly hash: string;
}

export type State = z.infer<typeof state>;
export type StateOf<Type extends State['Type']> = Extract<State, { Type: Type }>;

/** Reads a definition from a file. Throws a {@link StartError} that names file, state, fact and remedy. */
export function readDefinition(file: string): Definition {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`The workflow ${file} cannot be read: ${(error as Error).message}`);
  }
  return parseDefinition(text, file);
}

/** The same of a text; `file` is for its name and for errors. */
export function parseDefinition(text: string, file: string): Definition {
  const name = /^([a-z][a-z0-9-]{0,31})\.asl\.json$/.exec(basename(file))?.[1];
  if (name === undefined)
    throw new StartError(
      `The file of a workflow must be named like place-order.asl.json, in at most 32 small letters, digits and "-", but is ${file}.`,
    );
  const refuse = (message: string): never => {
    throw new StartError(`The workflow ${file} is refused: ${message}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${(error as Error).message}.`);
  }
  const parsed = machine.safeParse(json, { error: describeIssue });
  if (!parsed.success) return refuse(sentenceOf(parsed.error.issues[0]!, json));
  const { StartAt, States } = parsed.data;
  const fault = checkGraph(StartAt, States);
  if (fault !== undefined) return refuse(fault);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { name, StartAt, States, compensations: compensationsOf(StartAt, States), text, hash };
}

/** The names of the tasks that a definition calls. */
export const tasksOf = ({ States }: Pick<Definition, 'States'>): string[] =>
  Object.values(States).flatMap((each) => (each.Type === 'Task' ? [taskOf(each)] : []));

/** The name of the task that a state calls. */
export const taskOf = ({ Parameters }: StateOf<'Task'>): string => Parameters.MessageBody.task;

// ---- The fields

const stateName = z.string().min(1).max(80);
const path = z.string().refine(isPath, {
  error: 'must be a path of names and indexes, such as $.order.lines[0]',
});
const resultPath = z
  .string()
  .refine(isResultPath, { error: 'must be a path of names, such as $.order.id' })
  .nullable();
const seconds = z.int().min(1).max(31_536_000);
/** A day: how long a task may take. */
const timeoutSeconds = z.int().min(1).max(86_400);
const template = z
  .record(z.string(), z.json())
  .superRefine((value, context) => checkTemplate(value, (message) => context.addIssue(message)));

const common = { Comment: z.string().optional() };
const paths = { InputPath: path.nullable().optional(), OutputPath: path.nullable().optional() };
const next = { Next: stateName.optional(), End: z.literal(true).optional() };
const errorNames = z.array(z.string().min(1).max(256)).min(1);

const retrier = z.strictObject({
  ...common,
  ErrorEquals: errorNames,
  IntervalSeconds: seconds.default(1),
  MaxAttempts: z.int().min(0).max(10_000).default(3),
  BackoffRate: z.number().min(1).max(100).default(2),
  MaxDelaySeconds: seconds.optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
const catcher = z.strictObject({
  ...common,
  ErrorEquals: errorNames,
  ResultPath: resultPath.optional(),
  Next: stateName,
});

/** The message to a task is the same for each, so that one worker serves all; only `task` and `input` are the state's own. */
const message = z
  .object({
    task: z
      .string()
      .regex(/^[A-Za-z]\w{0,63}$/, { error: 'must be the name of a task, such as reserveStock' }),
    'token.$': z.literal('$$.Task.Token'),
    'execution.$': z.literal('$$.Execution.Name'),
    'state.$': z.literal('$$.State.Name'),
    'retries.$': z.literal('$$.State.RetryCount'),
    'trace.$': z.literal('$$.Execution.Input.trace'),
  })
  .catchall(z.json())
  .superRefine((value, context) => {
    const others = Object.keys(value).filter((name) => !messageFields.includes(name));
    if (others.length > 0)
      context.addIssue(`has the field ${others[0]}, but may have only ${messageFields.join(', ')}`);
    if ('input' in value === 'input.$' in value) context.addIssue('must have either input or input.$');
    checkTemplate(value, (issue) => context.addIssue(issue));
  });
const messageFields = [
  'task',
  'input',
  'input.$',
  'token.$',
  'execution.$',
  'state.$',
  'retries.$',
  'trace.$',
];

const task = z.strictObject({
  ...common,
  ...paths,
  ...next,
  Type: z.literal('Task'),
  Resource: z.literal('arn:aws:states:::sqs:sendMessage.waitForTaskToken'),
  Parameters: z.strictObject({ QueueUrl: z.literal('${TaskQueueUrl}'), MessageBody: message }),
  ResultSelector: template.optional(),
  ResultPath: resultPath.optional(),
  TimeoutSeconds: timeoutSeconds,
  Retry: z.array(retrier).optional(),
  Catch: z.array(catcher).optional(),
});
const pass = z.strictObject({
  ...common,
  ...paths,
  ...next,
  Type: z.literal('Pass'),
  Result: z.json().optional(),
  Parameters: template.optional(),
  ResultPath: resultPath.optional(),
});
const wait = z.strictObject({
  ...common,
  ...paths,
  ...next,
  Type: z.literal('Wait'),
  Seconds: seconds.optional(),
  SecondsPath: path.optional(),
  Timestamp: z.iso.datetime().optional(),
  TimestampPath: path.optional(),
});
const comparison = {
  Variable: path.optional(),
  StringEquals: z.string().optional(),
  BooleanEquals: z.boolean().optional(),
  NumericEquals: z.number().optional(),
  NumericLessThan: z.number().optional(),
  NumericLessThanEquals: z.number().optional(),
  NumericGreaterThan: z.number().optional(),
  NumericGreaterThanEquals: z.number().optional(),
  IsPresent: z.boolean().optional(),
  IsNull: z.boolean().optional(),
};
type Comparison = { readonly [Field in keyof typeof comparison]?: z.infer<(typeof comparison)[Field]> };

/** A comparison of a choice, or a combination of some. */
export interface ChoiceCondition extends Comparison {
  readonly And?: readonly ChoiceCondition[] | undefined;
  readonly Or?: readonly ChoiceCondition[] | undefined;
  readonly Not?: ChoiceCondition | undefined;
}
const combination = {
  And: z.lazy(() => z.array(condition).min(1)).optional(),
  Or: z.lazy(() => z.array(condition).min(1)).optional(),
  Not: z.lazy(() => condition).optional(),
};
const condition: z.ZodType<ChoiceCondition> = z.strictObject({ ...common, ...comparison, ...combination });
const choice = z.strictObject({
  ...common,
  ...paths,
  Type: z.literal('Choice'),
  Choices: z.array(z.strictObject({ ...common, ...comparison, ...combination, Next: stateName })).min(1),
  Default: stateName,
});
const succeed = z.strictObject({ ...common, ...paths, Type: z.literal('Succeed') });
const fail = z.strictObject({
  ...common,
  Type: z.literal('Fail'),
  Error: z.string().optional(),
  ErrorPath: path.optional(),
  Cause: z.string().optional(),
  CausePath: path.optional(),
});
const states = { Task: task, Choice: choice, Pass: pass, Wait: wait, Succeed: succeed, Fail: fail };
const state = z.discriminatedUnion('Type', [task, choice, pass, wait, succeed, fail]);

const mostStates = 100;
const machine = z.strictObject({
  ...common,
  StartAt: stateName,
  States: z.record(stateName, state).refine((all) => Object.keys(all).length <= mostStates, {
    error: `must have at most ${mostStates} states`,
  }),
});

function checkTemplate(value: Json, refuse: (message: string) => void): void {
  if (Array.isArray(value)) for (const each of value as Json[]) checkTemplate(each, refuse);
  if (!isObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (!name.endsWith('.$')) checkTemplate(member, refuse);
    else if (typeof member !== 'string' || !(isPath(member) || isContextPath(member)))
      refuse(
        `has the field ${name} with ${JSON.stringify(member)}, which must be a path such as $.order.id or $$.Execution.Name; functions are not supported`,
      );
  }
}

// ---- Sentences about fields

type Issue = z.core.$ZodIssue;

function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be of the type ${issue.expected}`;
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? 'must not be empty'
        : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}`;
    default:
      return undefined;
  }
}

function sentenceOf({ path: [first, name, ...field], ...issue }: Issue, json: unknown): string {
  const isOfState = first === 'States' && name !== undefined;
  const where = isOfState ? `the state "${String(name)}"` : 'the workflow';
  const fieldPath = isOfState ? field : [first, name].filter((part) => part !== undefined);
  const type = isOfState
    ? (json as { States: Record<string, { Type?: unknown } | undefined> }).States[String(name)]?.Type
    : undefined;
  if (
    isOfState &&
    (issue.code === 'invalid_union' || fieldPath.length === 0) &&
    issue.code !== 'unrecognized_keys'
  )
    return `${where} has the Type ${JSON.stringify(type)}, which is not supported; use ${Object.keys(states).join(', ')}.`;
  const subject = fieldPath.length === 0 ? where : `${fieldPath.join('.')} of ${where}`;
  if (issue.code === 'unrecognized_keys') {
    const known = fieldPath.length === 0 ? knownFields(isOfState, type) : '';
    return `${subject} has the field ${issue.keys[0]!}, which is not supported${known}.`;
  }
  const value = at(json, [first, name, ...field]);
  const got = value === undefined || typeof value === 'object' ? '' : `, but got: ${JSON.stringify(value)}`;
  return `${subject} ${issue.message}${got}.`;
}

function knownFields(isOfState: boolean, type: unknown): string {
  const schema = isOfState ? states[type as keyof typeof states] : machine;
  return `; it may have ${Object.keys(schema.shape).join(', ')}`;
}

function at(json: unknown, [part, ...rest]: readonly (PropertyKey | undefined)[]): unknown {
  if (part === undefined) return json;
  return typeof json === 'object' && json !== null
    ? at((json as Record<PropertyKey, unknown>)[part], rest)
    : undefined;
}

// ---- The graph

/** What is wrong with how the states lead to one another, or with fields that depend on others. */
function checkGraph(startAt: string, all: Readonly<Record<string, State>>): string | undefined {
  const has = (name: string): boolean => Object.hasOwn(all, name);
  if (!has(startAt)) return `StartAt names the state "${startAt}", which does not exist.`;
  for (const [name, each] of Object.entries(all)) {
    const fault = checkFields(each);
    if (fault !== undefined) return `the state "${name}" ${fault}.`;
    const lost = followersOf(each).find((follower) => !has(follower));
    if (lost !== undefined) return `the state "${name}" leads to the state "${lost}", which does not exist.`;
  }
  const reached = new Set<string>();
  const open = new Set<string>();
  const circle = visit(startAt);
  if (circle !== undefined)
    return `the state "${circle}" can be reached from itself, but a task is called once for each execution and state: use Retry, or start another execution.`;
  const unreached = Object.keys(all).find((name) => !reached.has(name));
  return unreached === undefined
    ? undefined
    : `the state "${unreached}" cannot be reached from StartAt: lead to it, or remove it.`;

  /** Visits a state and all behind it; a state that leads back to itself. */
  function visit(name: string): string | undefined {
    if (open.has(name)) return name;
    if (reached.has(name)) return undefined;
    reached.add(name);
    open.add(name);
    for (const follower of followersOf(all[name]!)) {
      const found = visit(follower);
      if (found !== undefined) return found;
    }
    open.delete(name);
    return undefined;
  }
}

function compensationsOf(startAt: string, all: Readonly<Record<string, State>>): ReadonlySet<string> {
  const compensations = new Set(Object.keys(all));
  const visit = (name: string): void => {
    if (compensations.delete(name)) for (const follower of followersWithoutError(all[name]!)) visit(follower);
  };
  visit(startAt);
  return compensations;
}

const followersOf = (each: State): string[] => [
  ...followersWithoutError(each),
  ...(each.Type === 'Task' ? (each.Catch ?? []).map(({ Next }) => Next) : []),
];

function followersWithoutError(each: State): string[] {
  switch (each.Type) {
    case 'Choice':
      return [...each.Choices.map(({ Next }) => Next), each.Default];
    case 'Task':
    case 'Pass':
    case 'Wait':
      return each.Next === undefined ? [] : [each.Next];
    case 'Succeed':
    case 'Fail':
      return [];
    default:
      return each satisfies never;
  }
}

function checkFields(each: State): string | undefined {
  if ('Next' in each && 'End' in each && each.Next !== undefined && each.End !== undefined)
    return 'has both Next and End: remove one of them';
  switch (each.Type) {
    case 'Task':
      if (each.Next === undefined && each.End === undefined) return noNext;
      return checkErrors(each.Retry, 'Retry') ?? checkErrors(each.Catch, 'Catch');
    case 'Pass':
      if (each.Next === undefined && each.End === undefined) return noNext;
      return each.Result !== undefined && each.Parameters !== undefined
        ? 'has both Result and Parameters: remove one of them'
        : undefined;
    case 'Wait': {
      if (each.Next === undefined && each.End === undefined) return noNext;
      const { Seconds, SecondsPath, Timestamp, TimestampPath } = each;
      const given = [Seconds, SecondsPath, Timestamp, TimestampPath].filter((time) => time !== undefined);
      return given.length === 1
        ? undefined
        : 'must have one of Seconds, SecondsPath, Timestamp and TimestampPath';
    }
    case 'Choice':
      return each.Choices.map(checkCondition).find((fault) => fault !== undefined);
    case 'Fail':
      if (each.Error !== undefined && each.ErrorPath !== undefined) return 'has both Error and ErrorPath';
      return each.Cause !== undefined && each.CausePath !== undefined
        ? 'has both Cause and CausePath'
        : undefined;
    case 'Succeed':
      return undefined;
    default:
      return each satisfies never;
  }
}

const noNext = 'has neither Next nor End: name the state that follows, or end here with "End": true';

/** `States.ALL` stands alone, and last: what follows it is never reached. */
function checkErrors(
  all: readonly { readonly ErrorEquals: readonly string[] }[] = [],
  field: string,
): string | undefined {
  const isWrong = all.some(
    ({ ErrorEquals }, i) =>
      ErrorEquals.includes('States.ALL') && (ErrorEquals.length > 1 || i < all.length - 1),
  );
  return isWrong
    ? `has States.ALL in its ${field} beside or before another error: let it stand alone, and last`
    : undefined;
}

const compared = Object.keys(comparison).filter((name) => name !== 'Variable');

function checkCondition(each: ChoiceCondition): string | undefined {
  const operators = Object.keys(each).filter((name) => compared.includes(name));
  const combinations = [each.And, each.Or, each.Not && [each.Not]].filter((nested) => nested !== undefined);
  const isComparison = each.Variable !== undefined && operators.length === 1 && combinations.length === 0;
  const isCombination = each.Variable === undefined && operators.length === 0 && combinations.length === 1;
  if (!isComparison && !isCombination)
    return `has a choice that must have a Variable with one of ${compared.join(', ')}, or one of And, Or, Not`;
  return combinations
    .flat()
    .map((nested) => checkCondition(nested))
    .find((fault) => fault !== undefined);
}
