import { readEvent } from '../../../../gateway/events/domain-event';
import { compileDrops, dropsOfMissed } from '../../../../gateway/events/drops';
import { parseOptions } from '../../../../gateway/options';
import { parse } from 'yaml';
import { examplesOf } from '../../../support/documentation';
import { eventBody } from '../../../support/event-publisher';

const compiled = (drop: object) => {
  const options = parseOptions({ events: { types: { StockChanged: { drop } } } });
  return options.events.types['StockChanged']!.drop;
};
const dropped = (drop: object, event: object) =>
  compileDrops(compiled(drop))(readEvent(Buffer.from(eventBody({ ...event }))));

describe('what an event drops', () => {
  const data = { org: 7, isGone: true, lines: [{ upc: 'a' }, { upc: 'b' }], none: [], names: ['x', 'y'] };

  it.each<[string, object, object]>([
    [
      'an entity by attributes and members of the data',
      { entities: [{ type: 'Shelf', key: { 'org.id': 'data.org', code: 'subject', gone: 'data.isGone' } }] },
      { entities: [{ type: 'Shelf', key: { 'org.id': 7, code: 'p1', gone: true } }] },
    ],
    [
      'an entity for each item of a list',
      { entities: [{ type: 'Item', key: { upc: 'data.lines[*].upc', in: 'subject' } }] },
      {
        entities: [
          { type: 'Item', key: { upc: 'a', in: 'p1' } },
          { type: 'Item', key: { upc: 'b', in: 'p1' } },
        ],
      },
    ],
    ['tags', { tags: ['of-{subject}-{data.names[*]}', 'all'] }, { tags: ['of-p1-x', 'of-p1-y', 'all'] }],
    [
      'what it may lack, where it has it',
      {
        entities: [
          { type: 'Item', key: { upc: 'data.org?' } },
          { type: 'Item', key: { upc: 'data.nothing?' } },
        ],
        tags: ['of-{data.org?}', 'of-{data.nothing?}', 'of-{data.nothing?}-{subject}'],
      },
      { entities: [{ type: 'Item', key: { upc: 7 } }], tags: ['of-7'] },
    ],
    ['types and subgraphs', { types: ['A'], subgraphs: ['b'] }, { types: ['A'], subgraphs: ['b'] }],
  ])('may be %s', (_, drop, expected) => {
    expect(dropped(drop, { data })).toEqual({
      entities: [],
      tags: [],
      types: [],
      subgraphs: [],
      ...expected,
    });
  });

  it('is what docs/events-reference.md says of its example with a nested key, and of its event', () => {
    const examples = examplesOf('docs/events-reference.md');
    const shelf = examples.find(({ text }) => text.includes('ShelfMoved:'))!;
    const { drop } = parse(shelf.text).events.types.ShelfMoved;
    expect(dropped(drop, { data })?.entities).toEqual([{ type: 'Shelf', key: { 'org.id': 7, code: 'p1' } }]);
    const { text } = examples.find(
      ({ language, text }) => language === 'json' && text.includes('specversion'),
    )!;
    expect(readEvent(Buffer.from(text))).toMatchObject({ type: 'StockChanged', subject: 'p1', version: 1 });
  });

  it('is nothing for an empty list', () => {
    expect(dropped({ entities: [{ type: 'Item', key: { upc: 'data.none[*]' } }] }, { data })).toBeUndefined();
    expect(dropped({}, { data })).toBeUndefined();
  });

  it.each([
    ['a member that is missing', 'data.nothing'],
    ['a member of the prototype', 'data.constructor'],
    ['a map', 'data.lines'],
    ['an item without it', 'data.lines[*].sku'],
    ['what is no list', 'data.org[*]'],
    ['what each object has by its class', 'data.constructor.name'],
    ['what each list has', 'data.names.length'],
  ])('needs %s', (_, path) => {
    expect(() => dropped({ entities: [{ type: 'Item', key: { upc: path } }] }, { data })).toThrow(
      `\`${path}\`, for the key of Item, is not in the event as text, number or boolean.`,
    );
    expect(() => dropped({ tags: [`of-{${path}}`] }, { data })).toThrow(`for the tag of-{${path}}`);
  });

  it('is coarser where there are too many', () => {
    const many = { lines: Array.from({ length: 1001 }, (_, i) => ({ upc: `${i}` })) };
    const drop = {
      entities: [{ type: 'Item', key: { upc: 'data.lines[*].upc' } }],
      tags: ['i-{data.lines[*].upc}'],
    };
    expect(dropped(drop, { data: many })).toEqual({
      entities: [],
      tags: ['i-*'],
      types: ['Item'],
      subgraphs: [],
    });
  });

  it('is everything of its kind where events may have been missed', () => {
    const drop = compiled({
      entities: [{ type: 'Item', key: { upc: 'subject' } }],
      tags: ['i-{subject}', 'all'],
    });
    expect(dropsOfMissed(drop)).toEqual({
      entities: [],
      tags: ['i-*', 'all'],
      types: ['Item'],
      subgraphs: [],
    });
  });
});
