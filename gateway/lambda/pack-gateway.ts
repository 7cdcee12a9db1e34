import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buildSchema, type DocumentNode, type GraphQLSchema, Kind, parse, validate } from 'graphql';
import { loadNamedHook } from '../auth/hook';
import { eventFieldsOf } from '../events/fed-fields';
import { SupergraphError } from '../graph/supergraph-error';
import { overrideRates } from '../graph/overrides';
import { refuseOnLambda } from './refuse-options';
import { type Options, OptionsError } from '../options';
import type { PackagedGraph, PackagedOperation, PackagedPlan } from '../packaged/packaged-graph';
import { Planner } from '../planning';
import { ManifestError, readManifests, sha256 } from '../request/persisted/manifest';
import { validationRules } from '../request/validation-rules';
import { checkNeededPackages } from '../process/configuration/needed-packages';
import { readSupergraph } from '../process/read-supergraph';

export interface PackedGateway {
  readonly graph: PackagedGraph;
  /** Operations of the manifests without a plan. Each instance that gets a request for one learns it anew. */
  readonly unplanned: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Makes what a gateway on Lambda would otherwise make at each start: reads the supergraph, and plans the operations of the
 * manifests. These have operations of older clients, so one that is not valid is packed without a plan.
 *
 * @throws {OptionsError} when an option is wrong, or cannot be used on Lambda
 * @throws {SupergraphError} when the supergraph cannot be read or run
 */
export async function packGateway(options: Options): Promise<PackedGateway> {
  refuseOnLambda(options);
  checkNeededPackages(options);
  const operations = readOperations(options);
  const supergraphSdl = await readSupergraph(options);
  const eventFields = eventFieldsOf(options.events.subscriptions);
  const planner = new Planner({ supergraphSdl, eventFields, limits: options.planning });
  try {
    const facts = await planner.ready.catch((error: unknown) => {
      throw new SupergraphError(`The supergraph cannot be run: ${(error as Error).message}`, {
        cause: error,
      });
    });
    const trusted = { assumeValid: true, assumeValidSDL: true, noLocation: true };
    const schema = buildSchema(facts.apiSchemaSdl.join(''), trusted);
    const overrideLabels = overrideRates(facts.overrideLabels, options.overrides)
      .filter(({ percent }) => percent >= 100)
      .map(({ label }) => label);
    const packed: PackagedOperation[] = [];
    const unplanned: { id: string; reason: string }[] = [];
    for (const [document, ids] of idsByText(operations)) {
      let plans: readonly PackagedPlan[] = [];
      try {
        plans = await plansOf(document, { planner, schema, overrideLabels });
      } catch (error) {
        unplanned.push({ id: ids[0]!, reason: (error as Error).message });
      }
      packed.push({ document, names: [...ids, sha256(document)], plans });
    }
    return { graph: { supergraphSdl, facts, overrideLabels, operations: packed }, unplanned };
  } finally {
    await planner.close();
  }
}

/** A file that an option names, and a package has. */
export interface PackedFile {
  /** Of the option. */
  readonly path: readonly PropertyKey[];
  readonly file: string;
}

/** @throws {OptionsError} with an option whose file has no certificate */
export function readCertificate({ path, file }: PackedFile): string {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(path, file, error);
  }
  try {
    new X509Certificate(content);
  } catch (error) {
    throw OptionsError.of(path, `must be a file of certificates in PEM (${(error as Error).message}).`);
  }
  return content;
}

/** @throws {OptionsError} with an option whose module has no function */
export async function checkModule({ path, file }: PackedFile): Promise<void> {
  await loadNamedHook(path, file);
}

/** @throws {OptionsError} with the manifest that is wrong */
function readOperations({ persistedOperations: { manifest } }: Options): ReadonlyMap<string, string> {
  try {
    return readManifests(manifest);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new OptionsError([{ path: ['persistedOperations', 'manifest'], sentence: error.message }]);
  }
}

function idsByText(operations: ReadonlyMap<string, string>): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const [id, text] of operations) {
    const others = ids.get(text);
    if (others === undefined) ids.set(text, [id]);
    else others.push(id);
  }
  return ids;
}

interface PlanningParts {
  readonly planner: Planner;
  /** The API schema. */
  readonly schema: GraphQLSchema;
  readonly overrideLabels: readonly string[];
}

/** Rejects with the first reason why the document is not valid, or cannot be planned. */
async function plansOf(
  text: string,
  { planner, schema, overrideLabels }: PlanningParts,
): Promise<PackagedPlan[]> {
  const document = parse(text);
  const [invalid] = validate(schema, document, validationRules, { maxErrors: 1 });
  if (invalid !== undefined) throw invalid;
  const plans: PackagedPlan[] = [];
  for (const operationNames of namesIn(document)) {
    const plan = await planner.plan(text, operationNames[0] ?? undefined, overrideLabels);
    plans.push({ operationNames, plan: JSON.stringify(plan) });
  }
  return plans;
}

/** The names by which requests choose each operation of a document. Without a name they choose the only one. */
function namesIn({ definitions }: DocumentNode): (string | null)[][] {
  const names = definitions.flatMap((each): (string | null)[][] =>
    each.kind === Kind.OPERATION_DEFINITION ? [each.name === undefined ? [] : [each.name.value]] : [],
  );
  return names.length === 1 ? [[...names[0]!, null]] : names;
}
