/** Relays as real processes, ended at each of their commands. */
import { join } from 'node:path';
import { openEmbeddedDynamoDB, type EmbeddedDynamoDB } from '../../kit';
import { openEventLog, eventLogTable } from '../../kit/events/log/event-log';
import { openRelay } from '../../kit/events/log/relay';
import { amountOf } from '../support/amounts';
import { bundle } from '../support/bundled';
import { moved, parcelsTableOf } from '../support/event-logs';
import { endAll, startProcess } from '../support/process';
import { openDatabaseOn, temporaryFolder } from '../support/subgraph-kit';

const folder = temporaryFolder();
const relayProcess = join(folder.path, 'killed-relay.js');

let dynamodb: EmbeddedDynamoDB;
beforeAll(async () => {
  bundle(relayProcess, { entryPoints: [join(__dirname, '../support/killed-relay.ts')] });
  dynamodb = await openEmbeddedDynamoDB();
});
afterAll(async () => {
  await endAll();
  await dynamodb.stop();
  folder.remove();
});

const ignore = (): void => undefined;

const run = (source: string, last: number) =>
  startProcess([relayProcess, dynamodb.endpoint, source, String(last)]);

it('logs each event once and in order, whichever command of a relay is its last', async () => {
  const rounds = amountOf('WEIR_KILLED_RELAYS', 1, 20);
  for (let round = 0; round < rounds; round++) {
    const source = `killed${round}`;
    const table = parcelsTableOf(source);
    const { db, stop } = await openDatabaseOn(
      { kind: 'endpoint', endpoint: dynamodb.endpoint },
      table,
      eventLogTable(source),
    );
    const parcels = db.table(table);
    const sweep = async () => {
      const [eventLog, lines] = [openEventLog({ db, source }), { info: ignore, warn: ignore, error: ignore }];
      const relay = openRelay({
        db,
        source,
        tables: [table],
        eventLog,
        log: lines,
      });
      await relay.sweep();
      await relay.stop();
    };
    const written = new Map<string, string[]>();
    const write = async (id: string, to: string) => {
      await parcels.update({ id }, { upsert: true, ...moved(to) });
      written.set(id, [...(written.get(id) ?? []), to]);
    };
    let code: number | null = null;
    let last = 1;
    for (; code !== 0; last++) {
      await write('a', `before ${last}`);
      const relays = Array.from({ length: last % 4 === 0 ? 2 : 1 }, () => run(source, last));
      // An event is appended while they are at work.
      await relays[0]!.printed(/relaying/);
      await write(last % 2 === 0 ? 'a' : 'b', `while ${last}`);
      code = await relays[0]!.exit;
      await relays[1]?.exit;
      expect([0, 9]).toContain(code);
      await sweep();
    }
    expect(last).toBeGreaterThan(8);
    const log = openEventLog({ db, source });
    const logged = (await log.readAll('', 1000)).map(({ event }) => event);
    for (const [id, tos] of written) {
      const events = logged.filter(({ subject }) => subject === id);
      expect(events.map(({ data }) => (data as { to: string }).to)).toEqual(tos);
      expect(events.map(({ sequence }) => sequence)).toEqual(tos.map((_, i) => i + 1));
      expect((await parcels.get({ id }, { consistent: true }))?.outbox).toBeUndefined();
    }
    expect(await log.head()).toMatch(new RegExp(`-${logged.length}$`));
    await stop();
  }
}, 600_000);
