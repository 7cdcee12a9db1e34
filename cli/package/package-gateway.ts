import { join } from 'node:path';
import { checkModule, packGateway, readCertificate } from '../../gateway/lambda/pack-gateway';
import type { Context } from '../context';
import { OptionsReader, withExtensionsTried, withOptionsErrors } from '../gateway-options';
import { graphFile, optionsFile, supergraphFile, writeGraph } from '../../gateway/packaged/packaged-graph';
import { packageVersion } from '../own-package';
import { gatewaySources, sizeOf, unusedByGateway, writePackage } from './artefact';
import type { PackageGatewayFlags } from '../commands/package';
import { packOptions } from './pack-options';
import { gatewayTemplate, variablesIn } from './template/gateway-template';
import { packagedCode, writeTemplateFile } from './template/template-file';

/** Writes the package of a gateway, and says what is in it. */
export async function packageGateway(flags: PackageGatewayFlags, context: Context): Promise<void> {
  const { out, config, stream: streams = false, ...others } = flags;
  const reader = new OptionsReader({ ...others, ...(config !== undefined && { config }) }, context);
  const { text, certificates, modules, extensions } = packOptions(config);
  const read = await withOptionsErrors(() => withExtensionsTried(reader.read()), reader);
  const { graph, unplanned } = await withOptionsErrors(() => packGateway(read), reader);
  const files = new Map([
    [optionsFile, text],
    [supergraphFile, graph.supergraphSdl],
    [graphFile, writeGraph(graph, packageVersion())],
  ]);
  await withOptionsErrors(async () => {
    for (const [name, certificate] of certificates) files.set(name, readCertificate(certificate));
    for (const module of modules.values()) await checkModule(module);
  }, reader);
  const bundled = Object.fromEntries(Array.from(modules, ([name, { file }]) => [name, file]));
  const folder = join(out, 'code');
  const written = await writePackage(folder, {
    handlers: ['handler', 'streamHandler'],
    sources: { ...gatewaySources(), ...bundled },
    extensions,
    unused: unusedByGateway,
    files,
    env: context.env,
  });
  const code = streams ? { ...packagedCode, handler: 'index.streamHandler' } : packagedCode;
  const template = join(out, 'template.yaml');
  const variables = variablesIn(text);
  await writeTemplateFile(
    template,
    gatewayTemplate({ options: read, variables, code, streams, isPackaged: true }),
  );
  const say = (sentence: string): void => void context.stderr.write(`weir: ${sentence}\n`);
  for (const { id, reason } of unplanned) say(`the operation "${id}" has no plan in the package: ${reason}`);
  const planned = graph.operations.length - unplanned.length;
  say(
    `${folder} has the gateway with the plans of ${planned} of ${graph.operations.length} operations, ${sizeOf(written)}. The handler is ${code.handler}.`,
  );
  say(`${template} deploys it.`);
}
