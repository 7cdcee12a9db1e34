/**
 * `channel-process.ts ENGINE SETTINGS CONSUMER SELECTION`: receives events of a channel, prints the id of each, and is
 * done with each but the one whose data says `hold`. It never ends by itself.
 */
import { channelEngines } from './channels';

const [name, settings = '', consumer = '', selection = ''] = process.argv.slice(2);

async function receive(): Promise<void> {
  const engine = channelEngines.find((each) => each.name === name)!;
  const { channel } = await engine.open(JSON.parse(settings));
  const subscription = channel.subscribe(consumer, JSON.parse(selection));
  for await (const delivery of subscription.receive(new AbortController().signal)) {
    process.stdout.write(`${delivery.event.id}\n`);
    if ((delivery.event.data as { hold?: boolean }).hold !== true) await subscription.done(delivery);
  }
}
void receive();
