import { setImmediate as nextTurn } from 'node:timers/promises';
import { defineTable } from '../../../../kit';
import { openTestDatabase } from '../../../support/subgraph-kit';

const notesTable = defineTable<{ id: string }>()({ name: 'notes', partitionKey: 'id' });

it('lets a request have many reads at once without a warning of Node', async () => {
  const { db, stop } = await openTestDatabase(notesTable);
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', onWarning);
  const notes = db.forRequest(new AbortController().signal).table(notesTable);
  await Promise.all(Array.from({ length: 20 }, (_, i) => notes.get({ id: `n${i}` })));
  await nextTurn();
  process.off('warning', onWarning);
  expect(warnings).not.toContain('MaxListenersExceededWarning');
  await stop();
});
