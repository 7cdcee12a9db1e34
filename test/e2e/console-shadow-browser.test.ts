/** The console's page of a shadow, in a real browser. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hasChromium, inChromium } from '../support/chromium';
import { type ConsoleInBrowser, openInBrowser } from '../support/console-in-browser';
import { expectForEverybody } from '../support/for-everybody';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const secret = 'S3CRET';

(hasChromium ? describe : describe.skip)(`a shadow in the console ${inChromium}`, () => {
  let graph: SmallGraph;
  let shadow: Server;
  let gateway: TestGateway;
  let console: ConsoleInBrowser;

  beforeAll(async () => {
    graph = await startSmallGraph();
    const answer = JSON.stringify({ data: { me: { name: secret }, user: null } });
    shadow = createServer((_, response) => response.end(answer));
    await new Promise<void>((listening) => shadow.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(shadow.address() as AddressInfo).port}/graphql?key=${secret}`;
    gateway = await startTestGateway({
      supergraph: sourceOf(graph.supergraphSdl),
      shadow: { url, share: 1, perSecond: 1000 },
    });
    // On a busy machine queries are dropped.
    await eventually(async () => {
      for (const query of [`query Me { me { name } }`, `{ me { name } user(id: "${secret}") { name } }`])
        await gateway.query(query);
      const report = await (await fetch(`${gateway.adminUrl}/console/api/shadow`)).json();
      return (report as { operations: { different: number }[] }).operations.length === 2;
    });
    console = await openInBrowser(gateway.adminUrl!);
  }, 180_000);

  afterAll(async () => {
    await console.close();
    await gateway.stop();
    shadow.closeAllConnections();
    await new Promise((closed) => shadow.close(closed));
    await graph.close();
  });

  it('is one click away: what is different, where, and what was dropped', async () => {
    const { page } = console;
    await console.goTo('Shadow');
    const differences = page.getByRole('region', { name: /^Differences by operation and path/ });
    await differences.getByRole('row', { name: /^Me me\.name value \d+ a string → a string/ }).waitFor();
    await page.getByRole('region', { name: 'Compared answers by operation' }).waitFor();
    expect(await page.getByText('100 % of queries, at most 1000 a second').count()).toBe(1);
    await expectForEverybody(page, 'shadow');
    expect(await page.content()).not.toContain(secret);
  });
});
