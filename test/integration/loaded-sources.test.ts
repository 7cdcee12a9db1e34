import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dist = join(__dirname, '../../dist');

it('loads nothing of sources until a supergraph has one', () => {
  const program = `
    require(${JSON.stringify(join(dist, 'gateway/index.js'))});
    const of = () => Object.keys(require.cache).filter((file) => /subgraph-calls.sources/.test(file)).length;
    require(${JSON.stringify(join(dist, 'gateway/subgraph-calls/connect.js'))});
    const before = of();
    require(${JSON.stringify(join(dist, 'gateway/subgraph-calls/sources/open-source.js'))});
    console.log(JSON.stringify([before, of() > 5]));
  `;
  expect(execFileSync(process.execPath, ['-e', program]).toString()).toBe('[0,true]\n');
});

it('runs nothing of sources when the bundle of the command starts', () => {
  const bundle = readFileSync(join(dist, 'cli/gateway-program.js'), 'utf8');
  // What is required late is a function of esbuild that is called then.
  expect(bundle).toMatch(/init_open_source=__esm\(|require_open_source=__commonJS\(/);
  expect(bundle.match(/[^ ]{0,12}init_open_source\(\)/g)).toHaveLength(1);
});
