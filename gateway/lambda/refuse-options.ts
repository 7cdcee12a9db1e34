import { type Options, OptionsError } from '../options';
import { isShared, storeKindOf } from '../options/cache';
import type { OptionsProblem } from '../options/problem';

/**
 * Refuses what cannot work where instances are started, stopped between events and ended at any time.
 *
 * @throws {OptionsError} with every such option
 */
export function refuseOnLambda(options: Options): void {
  const problems = [...impossible(options), ...(options.lambda.perInstance ? [] : notShared(options))];
  if (problems.length > 0) throw new OptionsError(problems);
}

function impossible({ tls, subgraphs, events, cache, supergraph, shadow, mcp }: Options): OptionsProblem[] {
  const problems: OptionsProblem[] = [];
  if (tls !== undefined)
    problems.push(problem(['tls'], 'has no effect on Lambda, where AWS terminates TLS: leave it out.'));
  for (const [name, { subscriptions }] of Object.entries(subgraphs))
    if (subscriptions.protocol === 'callback')
      problems.push(
        problem(
          ['subgraphs', name, 'subscriptions', 'protocol'],
          'cannot be callback on Lambda, where a subgraph cannot call the instance that has subscribed.',
        ),
      );
  if (Object.keys(events.sources).length > 0)
    problems.push(
      problem(
        ['events', 'sources'],
        'are read between requests, but Lambda stops an instance between its events: have a gateway that listens read them.',
      ),
    );
  if (Object.keys(supergraph?.webhooks ?? {}).length > 0)
    problems.push(
      problem(
        ['supergraph', 'webhooks'],
        'get events between requests, but Lambda stops an instance between its events: have a gateway that listens send them.',
      ),
    );
  if (shadow !== undefined)
    problems.push(
      problem(
        ['shadow'],
        'sends queries after their answers, but Lambda stops an instance between its events: have a gateway that listens send them.',
      ),
    );
  if (mcp !== undefined)
    problems.push(
      problem(
        ['mcp'],
        'is not served on Lambda, where the files of its operations are not: have a gateway that listens serve it.',
      ),
    );
  if (cache.cdn.cloudFront !== undefined)
    problems.push(
      problem(
        ['cache', 'cdn', 'cloudFront'],
        'gets invalidations after a delay, but Lambda stops an instance between its events: have a gateway that listens send them.',
      ),
    );
  return problems;
}

function notShared({ rates, cache, audit }: Options): OptionsProblem[] {
  const problems: OptionsProblem[] = [];
  const ofItsOwn = 'or set `lambda.perInstance: true`';
  if (rates.length > 0 && storeKindOf(cache) !== 'redis')
    problems.push(
      problem(
        ['rates'],
        `count in each instance alone: set \`cache.store\` to a Redis or Valkey, ${ofItsOwn}.`,
      ),
    );
  if (!isShared(cache) && (cache.responses.enabled || cache.entities.enabled))
    problems.push(
      problem(
        ['cache', 'store'],
        `is the memory of one instance, and invalidations reach no other: name a shared store, turn \`cache.responses.enabled\` and \`cache.entities.enabled\` off, ${ofItsOwn}.`,
      ),
    );
  for (const [index, { to }] of audit.trails.entries())
    if (to !== 'stdout')
      problems.push(
        problem(
          ['audit', 'trails', index, 'to'],
          `is a file, which ends with the instance: write to stdout, ${ofItsOwn}.`,
        ),
      );
  return problems;
}

const problem = (path: readonly PropertyKey[], predicate: string): OptionsProblem => ({
  path,
  sentence: `\`${path.join('.')}\` ${predicate}`,
});
