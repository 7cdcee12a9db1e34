import { join } from 'node:path';
import { declarationOf } from '../../../kit/declaration';
import { tableOperations } from '../../../kit/table/definition';
import { defineTable } from '../../../kit';
import { history } from '../../../subgraphs/history';
import { orders } from '../../../subgraphs/orders';
import { thanks } from '../../support/thanks-subgraph';

describe('a declaration', () => {
  it('has all tables, with those of events, consumers and projections, and what a function does with each', () => {
    const tablesOf = (subgraph: Parameters<typeof declarationOf>[0]) =>
      declarationOf(subgraph).tables.map(({ name, kind, operations }) =>
        [name, kind, ...operations].join(' '),
      );
    expect(tablesOf(thanks)).toEqual([
      'thanks own GetItem PutItem UpdateItem',
      'thanks-events events GetItem PutItem Query UpdateItem',
      'thanks-consumers consumers',
    ]);
    expect(tablesOf(history)).toEqual([
      'history-consumers consumers GetItem PutItem',
      'order-history-1 projection BatchGetItem GetItem PutItem Query',
      'popularity-1 projection BatchGetItem GetItem PutItem Query',
    ]);
  });

  it('allows all operations on a table that says nothing, but never deletes where an outbox is', () => {
    const table = { name: 'plain', partitionKey: 'id' } as const;
    const operationsOf = (outbox: boolean) =>
      declarationOf({ name: 'plain', tables: [defineTable<{ id: string }>()({ ...table, outbox })] })
        .tables[0]!.operations;
    expect(operationsOf(false)).toEqual(tableOperations);
    expect(operationsOf(true)).toEqual(tableOperations.filter((each) => each !== 'DeleteItem'));
  });

  it('has consumers, workflows with their longest task, and options with their variables', () => {
    const { publishes, consumers, workflows } = declarationOf(orders);
    expect({ publishes, consumers }).toEqual({ publishes: true, consumers: [] });
    expect(workflows.map(({ name, longestTask }) => [name, longestTask])).toEqual([
      ['place-order', 10],
      ['cancel-order', 10],
    ]);
    expect(declarationOf(thanks)).toMatchObject({
      consumers: [{ name: 'thank-buyer', from: { orders: ['OrderPlaced'], thanks: ['BuyerThanked'] } }],
      options: { mailToken: { default: 'development', variable: 'MAIL_TOKEN' } },
    });
  });

  it('is refused where the start would be', () => {
    const definition = join(__dirname, 'nowhere.asl.json');
    expect(() => declarationOf({ name: 'x', workflows: [{ definition, tasks: {} }] })).toThrow(
      `The workflow ${definition} cannot be read`,
    );
  });
});
