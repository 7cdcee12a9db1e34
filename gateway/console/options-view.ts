import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Options, parseOptions } from '../options';
import { type OptionInForce, optionInForce, optionsInForce } from '../options/in-force';
import { leavesOf } from '../options/leaves';
import { type OptionOrigin, OptionSources } from '../options/sources';
import type { OptionsView, ShownOption } from './versions-api';

/**
 * The options in force, with their origins. Secrets have no value, URLs no credentials; what a file takes from a variable of
 * the environment, or from another file, has only the name of that.
 *
 * @param sources undefined where a program has given the options
 * @param given what it gave at the start
 */
export async function describeOptions(
  options: Options,
  sources: OptionSources | undefined,
  given: unknown,
): Promise<OptionsView> {
  const defaults = (usual ??= new Map(
    optionsInForce(parseOptions({}), sourcesOf({})).map(({ path, value }) => [path.join('.'), value]),
  ));
  const from = sources ?? sourcesOf(given);
  const described: ShownOption[] = [];
  for (const leaf of leavesOf(options)) {
    described.push(describeOption(optionInForce(leaf, from), defaults, sources === undefined));
    // A graph of a hundred subgraphs has 2,000 options: requests are not to wait for all of them.
    if (described.length % optionsAtOnce === 0) await turn();
  }
  return { options: described };
}

const optionsAtOnce = 100;

/** What counts where nothing is set, by name. */
let usual: ReadonlyMap<string, unknown> | undefined;

const sourcesOf = (given: unknown): OptionSources =>
  new OptionSources({ defaults: {}, variables: {}, flags: given }, []);

function describeOption(
  { path, value, origin }: OptionInForce,
  defaults: ReadonlyMap<string, unknown>,
  isOfProgram: boolean,
): ShownOption {
  const name = path.join('.');
  const isDefault = defaults.has(name) && isDeepStrictEqual(defaults.get(name), value);
  // A later reload by the program is not in what it gave at the start.
  const isGiven = origin.kind !== 'default' || (isOfProgram && defaults.has(name) && !isDefault);
  const isChanged = isGiven && !isDefault;
  return {
    name,
    ...(!isHidden(value, origin) && { value: typeof value === 'function' ? 'a function' : value }),
    ...(isChanged && defaults.has(name) && { default: defaults.get(name) }),
    isChanged,
    origin: isOfProgram && isGiven ? { kind: 'code' } : origin,
  };
}

const isHidden = (value: unknown, origin: OptionOrigin): boolean =>
  value === undefined || (origin.kind === 'file' && origin.variables.length > 0);
