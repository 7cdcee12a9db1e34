import { atMost, missing, type Database } from '../kit';
import { progressTable, type Progress } from './table';

/** Notes that an event with this time is in a model. An older time changes nothing. */
export async function noteProgress(model: Progress['model'], time: string, db: Database): Promise<void> {
  const progress = db.table(progressTable);
  await progress.put({ model, asOf: time }, { condition: [{ asOf: missing }, { asOf: atMost(time) }] });
}
