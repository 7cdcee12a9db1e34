import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import type { SubgraphDeclaration } from '../../kit/declaration';
import { packageFile } from '../../gateway/packaged/loader';
import { CommandFailure, type Context } from '../context';
import { MissingPackage, missingOf, type OptionalPackage } from '../../optional-packages';
import { subgraphModule, subgraphNames, subgraphScript } from '../own-package';
import { sizeOf, unusedBySubgraphs, writePackage } from './artefact';
import type { PackageSubgraphFlags } from '../commands/package';
import { readDeclaration, withoutDeclaration } from './template/read-declaration';
import { subgraphTemplate } from './template/subgraph-template';
import { packagedCode, writeTemplateFile } from './template/template-file';

/** Writes the package of a subgraph that is written with the kit. */
export async function packageSubgraph(
  name: string,
  { out }: PackageSubgraphFlags,
  context: Context,
): Promise<void> {
  const script = findScript(name);
  const place = out ?? join('package', subgraphScript(name) === undefined ? 'subgraph' : name);
  const folder = join(place, 'code');
  const own = mkdtempSync(join(tmpdir(), 'weir-package-'));
  try {
    const entry = join(own, 'entry.cjs');
    writeFileSync(entry, entryFor(script));
    let declaration: SubgraphDeclaration | undefined;
    const written = await writePackage(folder, {
      handlers: ['handler'],
      sources: { code: entry },
      unused: unusedBySubgraphs,
      files: filesBeside(script),
      check: async (draft) => {
        declaration = await readDeclaration(join(draft, 'index.mjs'), context, script);
        if (declaration !== undefined) checkNeededPackages(declaration);
      },
      env: context.env,
    });
    const say = (sentence: string): void => void context.stderr.write(`weir: ${sentence}\n`);
    say(`${folder} has the subgraph, ${sizeOf(written)}. The handler is index.handler.`);
    if (declaration === undefined) {
      say(`there is no template, as the module ${withoutDeclaration}`);
      return;
    }
    const template = join(place, 'template.yaml');
    await writeTemplateFile(template, subgraphTemplate(declaration, packagedCode));
    say(`${template} deploys it.`);
  } finally {
    rmSync(own, { recursive: true });
  }
}

/** @throws {MissingPackage} if a package is not installed that the subgraph needs on Lambda */
function checkNeededPackages({ publishes, consumers, workflows }: SubgraphDeclaration): void {
  const channel = publishes || consumers.length > 0;
  const needed: Readonly<Record<string, readonly OptionalPackage[]>> = {
    'The channel sns-sqs': channel ? ['@aws-sdk/client-sns', '@aws-sdk/client-sqs'] : [],
    'The workflow engine of AWS Step Functions':
      workflows.length > 0 ? ['@aws-sdk/client-sfn', '@aws-sdk/client-sqs'] : [],
  };
  for (const [neededBy, packages] of Object.entries(needed)) {
    const missing = missingOf(packages);
    if (missing.length > 0) throw new MissingPackage(neededBy, missing);
  }
}

function findScript(name: string): string {
  const script = subgraphModule(name);
  if (script !== undefined) return script;
  throw new CommandFailure(
    `weir: there is no file '${name}', and no subgraph of the reference graph has this name; there are: ${subgraphNames().join(', ')}.`,
    2,
  );
}

/** The module is loaded when the package is opened: what it throws is then told. */
const entryFor = (script: string): string => `exports.open = async () => {
  const { handler } = require(${JSON.stringify(script)});
  if (typeof handler === 'function') return { handler };
  throw new Error('The module exports no \`handler\`, such as \`lambdaHandler(subgraph)\`.');
};
exports.rehearse = exports.open;
`;

/** What a subgraph reads from the folder of its module: its schema, and the definitions of its workflows. */
function filesBeside(script: string): ReadonlyMap<string, string> {
  const folder = dirname(script);
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  // Earlier packages may be below the folder.
  const packages = all
    .filter((name) => basename(name) === packageFile)
    .map((name) => `${dirname(name)}${sep}`);
  const names = all.filter(
    (name) =>
      /\.(?:graphql|asl\.json)$/.test(name) &&
      !/(?:^|[/\\])node_modules[/\\]/.test(name) &&
      !packages.some((inner) => name.startsWith(inner)),
  );
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
