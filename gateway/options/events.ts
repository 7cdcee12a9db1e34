/** Over 300 lines: an input type with its descriptions for each part of `events`. */
import { z } from 'zod';
import { iamRule, redis, takesIam } from './redis';
import { typeRule } from './subgraph-auth';
import { duration, httpUrl, mapOf, positiveInt, text } from './values';

/** Where a value stands in an event: an attribute, or a member of its data, where `[*]` is every item of a list. */
const pathPattern = /^(id|source|subject|type|time|data(\.[A-Za-z_][\w-]*|\[\*\])+)$/;
/** With `?` the event may lack it. */
const droppedPattern = /^(id|source|subject|type|time|data(\.[A-Za-z_][\w-]*|\[\*\])+)\??$/;
const pathRule =
  'must be subject, id, source, type, time, or a member of the data such as data.upc or data.lines[*].upc';
const pathOf = (pattern: RegExp) =>
  z
    .string({ error: pathRule })
    .regex(pattern, { error: pathRule })
    .refine((value) => value.split('[*]').length <= 2, { error: 'must have at most one [*]' })
    .meta({ title: 'path' });

const templateRule = 'must be text in which each {PATH} is a path such as {subject} or {data.upc}';
const template = z
  .string({ error: templateRule })
  .min(1, { error: templateRule })
  .refine(isTemplate, { error: templateRule });

const key = z
  .record(z.string(), pathOf(droppedPattern), { error: 'must be a map of key fields' })
  .refine((fields) => Object.keys(fields).length > 0, {
    error: 'must have at least one field, such as { upc: subject }',
  })
  .refine((fields) => Object.values(fields).filter((each) => each.includes('[*]')).length <= 1, {
    error: 'must have [*] in at most one field',
  });

const drop = mapOf({
  entities: z
    .array(
      mapOf({
        type: text.describe('The type of the entity.').meta({ example: 'Product' }),
        key: key
          .describe(
            'The fields of its key, and where their values stand in the event: `subject`, or a member of the data such as `data.upc`. With `data.lines[*].upc` there is an entity for each item of the list. With `data.upc?` there is none where the event lacks it. A field of an object is written as a path: `org.id`.',
          )
          .meta({ example: { upc: 'subject' } }),
      }),
      { error: 'must be a list' },
    )
    .default([])
    .describe('Entities by their keys.')
    .meta({ example: [{ type: 'Product', key: { upc: 'subject' } }] }),
  tags: z
    .array(template, { error: 'must be a list of text' })
    .default([])
    .describe(
      'Tags. Each `{PATH}` stands for a value of the event; `{PATH?}` for one that it may lack, and then there is no such tag.',
    )
    .meta({ example: ['stock-of-{subject}'] }),
  types: z
    .array(text, { error: 'must be a list of text' })
    .default([])
    .describe('Types, all answers with which are dropped.')
    .meta({ example: ['RatingSummary'] }),
  subgraphs: z
    .array(text, { error: 'must be a list of text' })
    .default([])
    .describe('Subgraphs, all answers of which are dropped.')
    .meta({ example: ['reviews'] }),
});

const types = z
  .record(
    z.string(),
    mapOf({
      versions: z
        .array(positiveInt, { error: 'must be a list of versions, such as [1, 2]' })
        .min(1, { error: 'must have at least one version' })
        .default([1])
        .describe(
          'The versions of the type (`dataversion`) that this mapping understands. Events of other versions are logged, counted and passed over.',
        ),
      drop: drop
        .prefault({})
        .describe(
          'What such an event drops from all caches, before subscribers get it. An event with more than 1000 entities drops their types, one with more than 1000 tags all tags that begin as they do.',
        )
        .meta({
          example: { entities: [{ type: 'Product', key: { upc: 'subject' } }], tags: ['stock-of-{subject}'] },
        }),
    }),
    { error: 'must be a map of event types' },
  )
  .prefault({})
  .describe('What events mean for the graph, by their type. Events of other types are passed over.');

const topicRule =
  'must be the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:111122223333:shop-events.fifo';
const prefixRule = 'must be 1 to 32 letters, digits, - or _';
const kindOfSource = 'The kind of source.';
const redisRule = 'must be redis://HOST:PORT or rediss://HOST:PORT';

const source = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('subgraph').describe(kindOfSource),
      subgraph: text
        .describe(
          'The subgraph whose events are followed (`GET /events`, as subgraphs of the kit have it), signed as its other calls are.',
        )
        .meta({ example: 'inventory' }),
    }),
    z
      .strictObject({
        type: z.literal('redis-streams').describe(kindOfSource),
        url: z
          .string({ error: redisRule })
          .regex(/^rediss?:\/\/[^/]/, { error: redisRule })
          .refine((value) => URL.canParse(value), { error: redisRule })
          .describe('The Redis (6.2 or newer) or Valkey that has the stream.')
          .meta({ title: 'URL', example: 'redis://events.internal:6379' }),
        redis: redis.describe('How to connect to it.'),
        stream: text.describe('The key of the stream.').meta({ example: 'shop-events' }),
        field: text.default('event').describe('The field of an entry that has the event, as JSON.'),
      })
      .refine(({ url, redis: { iam } }) => iam === undefined || takesIam(url), {
        path: ['redis', 'iam'],
        error: `${iamRule} as \`url\``,
      }),
    z.strictObject({
      type: z.literal('sqs').describe(kindOfSource),
      topic: z
        .string({ error: topicRule })
        .regex(/^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?$/, { error: topicRule })
        .describe(
          'The topic of SNS that has the events. Each gateway process makes a queue for itself, and subscribes it.',
        )
        .meta({ example: 'arn:aws:sns:eu-west-1:111122223333:shop-events.fifo' }),
      prefix: z
        .string({ error: prefixRule })
        .regex(/^[\w-]{1,32}$/, { error: prefixRule })
        .default('weir-events')
        .describe('What the names of queues begin with.'),
      retention: duration
        .prefault('1h')
        .refine((value) => value >= 60_000 && value <= 1_209_600_000, { error: 'must be from 1m to 336h' })
        .describe('How long events wait for a gateway that does not read them.'),
      endpoint: httpUrl
        .optional()
        .describe('The URL of SNS and SQS, where they are not those of AWS. Left out: AWS.')
        .meta({ example: 'http://localhost:4566' }),
    }),
  ],
  { error: typeRule(['subgraph', 'redis-streams', 'sqs']) },
);

/** An argument of the field, which `?` lets the client leave out, or a claim of the caller. */
const placeholderPattern = /^\{\$(args\.[^{}?]+\??|claims\.[^{}?]+)\}$/;
const scalarRule = 'must be text, a number, a boolean, or a placeholder such as {$args.upc} or {$claims.sub}';
const scalar = z.union(
  [
    z
      .string()
      .refine((value) => !value.includes('{$') || placeholderPattern.test(value), { error: scalarRule }),
    z.number(),
    z.boolean(),
  ],
  { error: scalarRule },
);
const listRule = 'must be a list, or a placeholder such as {$args.upcs}';
const placeholder = z.string({ error: listRule }).regex(placeholderPattern, { error: listRule });
const list = z.union([z.array(scalar), placeholder], { error: listRule });
const pairRule = 'must be a list of two values, or a placeholder such as {$args.between}';
const pair = z
  .union([z.array(scalar), placeholder], { error: pairRule })
  .refine((value) => typeof value === 'string' || value.length === 2, { error: pairRule });

const conditionRule =
  'must have at least one of eq, ne, le, lt, ge, gt, contains, notContains, beginsWith, in, notIn, between, containsAny';
const condition = mapOf({
  eq: scalar.optional().describe('It is equal.').meta({ example: 'p1' }),
  ne: scalar.optional().describe('It is another value.').meta({ example: 'REFUSED' }),
  le: scalar.optional().describe('It is less or equal.').meta({ example: 10 }),
  lt: scalar.optional().describe('It is less.').meta({ example: 10 }),
  ge: scalar.optional().describe('It is greater or equal.').meta({ example: 10 }),
  gt: scalar.optional().describe('It is greater.').meta({ example: 10 }),
  contains: scalar
    .optional()
    .describe('It is a text with this part, or a list with this value.')
    .meta({ example: 'a' }),
  notContains: scalar
    .optional()
    .describe('It is a text without this part, or a list without this value.')
    .meta({ example: 'a' }),
  beginsWith: scalar.optional().describe('It is a text that begins so.').meta({ example: 'p' }),
  in: list
    .optional()
    .describe('It is one of these.')
    .meta({ example: ['p1', 'p2'] }),
  notIn: list
    .optional()
    .describe('It is none of these.')
    .meta({ example: ['DELIVERED'] }),
  between: pair
    .optional()
    .describe('It is between these two, or one of them.')
    .meta({ example: [1, 10] }),
  containsAny: list
    .optional()
    .describe('It is a list with any of these.')
    .meta({ example: ['a', 'b'] }),
}).refine((each) => Object.values(each).some((value) => value !== undefined), { error: conditionRule });

const single = pathOf(pathPattern).refine((value) => !value.includes('[*]'), {
  error: 'must have no [*] here',
});
const conditions = z.record(single, condition, {
  error: 'must be a map of paths to conditions, such as { subject: { eq: p1 } }',
});

const subscriptions = z
  .record(
    z.string(),
    mapOf({
      types: z
        .array(text, { error: 'must be a list of event types' })
        .min(1, { error: 'must have at least one event type' })
        .describe('The types of the events, which may be named in `events.types`, too.')
        .meta({ example: ['StockChanged'] }),
      source: text
        .optional()
        .describe(
          'The source of the events. Needed for positions, by which clients come back, where there are several sources. Left out: all sources.',
        )
        .meta({ example: 'stock', protects: true }),
      key: z
        .record(z.string(), single, { error: 'must be a map of key fields' })
        .refine((fields) => Object.keys(fields).length > 0, {
          error: 'must have at least one field, such as { upc: subject }',
        })
        .describe(
          'The key of the object that an event is about, and where its values stand in the event. Everything else of the object is fetched by it from the subgraphs.',
        )
        .meta({ example: { upc: 'subject' } }),
      filter: z
        .array(conditions, { error: 'must be a list of groups of conditions' })
        .default([])
        .describe(
          'Which events a client gets: those that meet all conditions of one of these groups. `{$args.upcs}` is an argument of the field, which the client must then give; with `{$args.upcs?}` the condition holds for every event if it does not. Without groups it gets all events.',
        )
        .meta({ example: [{ subject: { in: '{$args.upcs}' } }], protects: true }),
      only: conditions
        .refine((all) => !JSON.stringify(all).includes('{$args.'), {
          error:
            'must not depend on arguments, which the client chooses: use {$claims.sub} or another claim here, and put conditions on arguments in `filter`',
        })
        .default({})
        .describe(
          'Conditions that hold in addition, whatever the client asks for. `{$claims.sub}` is a claim of its token: a caller without it may not subscribe.',
        )
        .meta({ example: { 'data.customerId': { eq: '{$claims.sub}' } }, protects: { deep: true } }),
    }),
    { error: 'must be a map of fields of the subscription type' },
  )
  .prefault({})
  .describe('Subscription fields that events feed, instead of the subgraph of the field.');

const nameRule = 'must be letters, digits, - or _';

export const events = mapOf({
  sources: z
    .record(z.string().regex(/^[\w-]{1,64}$/, { error: nameRule }), source, {
      error: 'must be a map of sources, such as { stock: { type: subgraph, subgraph: inventory } }',
    })
    .prefault({})
    .describe('Where events come from, by a name of your choice. Every gateway process hears every event.'),
  types,
  subscriptions,
})
  .prefault({})
  .describe(
    'Events that keep caches fresh, and feed subscriptions. `sources` cannot be changed while the gateway runs; the other options can.',
  )
  .meta({
    example: {
      sources: {
        stock: { type: 'subgraph', subgraph: 'inventory' },
        orders: { type: 'redis-streams', url: 'redis://events.internal:6379', stream: 'order-events' },
      },
      types: {
        StockChanged: {
          versions: [1, 2],
          drop: {
            entities: [{ type: 'Product', key: { upc: 'subject' } }],
            tags: ['stock-of-{subject}'],
            types: ['Warehouse'],
            subgraphs: ['inventory'],
          },
        },
      },
      subscriptions: {
        stockChanged: {
          types: ['StockChanged'],
          source: 'stock',
          key: { upc: 'subject' },
          filter: [{ subject: { in: '{$args.upcs}' } }],
          only: { 'data.region': { eq: '{$claims.region}' } },
        },
      },
    },
  });

/** Whether what stands in braces are paths. */
function isTemplate(value: string): boolean {
  const [first, ...rest] = value.split('{');
  const paths = rest.map((part) => part.split('}', 1)[0]!);
  return (
    !first!.includes('}') &&
    rest.every((part) => part.split('}').length === 2) &&
    paths.every((each) => droppedPattern.test(each)) &&
    paths.filter((each) => each.includes('[*]')).length <= 1
  );
}
