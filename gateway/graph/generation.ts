import { createHash } from 'node:crypto';
import { type GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { digest } from '../cache/responses/response-keys';
import type { UnknownName } from '../cache/unknown-names';
import type { Instance } from '../discovery/resolver';
import { unknownInEvents } from '../events/unknown-in-events';
import { type Options, OptionsError } from '../options';
import type { Invalidation } from '../options/invalidation';
import type { QueryPlan } from '../planning';
import { headerRulesOf } from '../subgraph-calls/header-rules';
import type { Subgraph } from '../subgraph-calls/subgraph';
import { chooseSubgraph } from './choose-subgraph';
import { createEngine } from './create-engine';
import type { Engine, KnownOperation, LearnFromContext } from './engine';
import type { GenerationParts } from './generation-parts';
import { Holders } from './holders';
import { audited } from './observation/audited';
import type { Prepare } from './subscriptions/prepared';
import { SupergraphError } from './supergraph-error';

export interface GenerationOptions {
  readonly supergraphSdl: string;
  readonly options: Options;
  readonly parts: GenerationParts;
  /** The generation that this one replaces: its most used operations are planned before the swap. */
  readonly previous?: Generation | undefined;
  /** Whether no other generation has run with these options: names in them that the supergraph does not have are refused. */
  readonly isFirst: boolean;
}

/**
 * Everything that is derived from one supergraph. It is immutable: a new supergraph is a new generation, built beside the
 * old one. A request finishes on the generation that validated its operation.
 */
export class Generation {
  readonly #engine: Engine;
  /** A hash of the supergraph, equal on all gateways that run an equal one. */
  readonly digest: string;
  readonly #holders: Holders;

  /**
   * @throws {SupergraphError} when the supergraph cannot be run
   * @throws {OptionsError} when the options name what it does not have, and must not
   */
  static async build({
    supergraphSdl,
    options,
    parts,
    previous,
    isFirst,
  }: GenerationOptions): Promise<Generation> {
    try {
      const { signers, connections } = parts.calls;
      const { audit, logger } = parts.telemetry;
      const warmUp = previous === undefined ? [] : previous.#engine.mostUsed(operationsToWarmUp);
      const named = new Set(Object.keys(options.subgraphs));
      const headerRules = headerRulesOf(options);
      const connection = digest(JSON.stringify([connections, options.privateLinks]));
      const holders = new Holders();
      const engine = await createEngine({
        ...{ supergraphSdl, options, parts, warmUp },
        hold: () => holders.hold(),
        chooseSubgraph: (found) => {
          named.delete(found.name);
          return chooseSubgraph(found, options, headerRules, signers, connection);
        },
      });
      const wrong = unknownInEvents(options.events, engine);
      if (wrong.length > 0 && isFirst) {
        await engine.close();
        throw new OptionsError(wrong);
      }
      for (const { sentence } of wrong) logger.warn(`the supergraph has changed: ${sentence}`);
      const whole = audit === undefined ? engine : audited(engine, audit);
      return new Generation(supergraphSdl, whole, holders, [...named]);
    } catch (error) {
      if (error instanceof SupergraphError || error instanceof OptionsError) throw error;
      const { message } = error as Error;
      const place = message.startsWith('Syntax Error')
        ? placeOfSyntaxError(supergraphSdl, options.supergraph?.file)
        : '';
      throw new SupergraphError(`The supergraph cannot be run: ${place}${message}`, { cause: error });
    }
  }

  private constructor(
    readonly supergraphSdl: string,
    engine: Engine,
    holders: Holders,
    /** Subgraphs that the options name and the supergraph does not have: they have no effect. */
    readonly unknownSubgraphs: readonly string[],
  ) {
    this.digest = digest(supergraphSdl);
    this.#engine = engine;
    this.#holders = holders;
  }

  get apiSchemaSdl(): readonly string[] {
    return this.#engine.apiSchemaSdl;
  }

  get apiSchema(): GraphQLSchema {
    return this.#engine.apiSchema;
  }

  /** What an operation that is valid requires of callers. */
  get accessTo(): Engine['accessTo'] {
    return this.#engine.accessTo;
  }

  /** The labels of what a field, such as `User.email`, or a type requires of callers. */
  requirementsOf(what: string): readonly string[] {
    return this.#engine.requirementsOf(what);
  }

  get tagFormats(): readonly string[] {
    return this.#engine.tagFormats;
  }

  /** The instances of a subgraph that are called now. */
  instancesOf(subgraph: string): readonly Instance[] {
    return this.#engine.instancesOf(subgraph);
  }

  /** Undefined for one that the supergraph does not have. */
  subgraph(name: string): Subgraph | undefined {
    return this.#engine.subgraphs.get(name);
  }

  get subgraphs(): readonly Subgraph[] {
    return [...this.#engine.subgraphs.values()];
  }

  unknownNames(invalidation: Invalidation): UnknownName[] {
    return this.#engine.unknownNames(invalidation);
  }

  tagWithoutValues(tag: string): string | undefined {
    return this.#engine.tagWithoutValues(tag);
  }

  get learn(): LearnFromContext {
    return this.#engine.learn;
  }

  /** An operation that was executed before. */
  known(document: string, operationName: string | undefined): KnownOperation | undefined {
    return this.#engine.known(document, operationName);
  }

  /** The query plan of an operation. Rejects if it is not valid any more, or cannot be planned. */
  async plan(document: string, operationName: string | undefined): Promise<QueryPlan> {
    const [problem] = validate(this.apiSchema, parse(document), undefined, { maxErrors: 1 });
    if (problem !== undefined) throw problem;
    const release = this.hold();
    try {
      return await this.#engine.plan(document, operationName);
    } finally {
      release();
    }
  }

  get prepare(): Prepare {
    return this.#engine.prepare;
  }

  /** Whether something still runs on it. */
  get isHeld(): boolean {
    return this.#holders.count > 0;
  }

  /** Keeps the generation open until the function that it returns is called. */
  hold(): () => void {
    return this.#holders.hold();
  }

  /**
   * Ends the generation: it gets no new requests, and its engine closes when its last request is over.
   *
   * @param onClosed called then, perhaps at once
   */
  retire(onClosed = (): void => undefined): void {
    this.#holders.whenNone(() => {
      void this.#engine.close();
      onClosed();
    });
  }
}

const operationsToWarmUp = 1000;

/** A short name for a supergraph in logs: the beginning of its SHA-256. */
export function supergraphId(supergraphSdl: string): string {
  return createHash('sha256').update(supergraphSdl).digest('hex').slice(0, 12);
}

/**
 * The position of a syntax error, as a prefix of its message. The error itself has none, as the supergraph is parsed in
 * pieces.
 */
function placeOfSyntaxError(supergraphSdl: string, file: string | undefined): string {
  try {
    parse(supergraphSdl, { noLocation: true });
    return '';
  } catch (error) {
    const [{ line, column } = { line: 1, column: 1 }] = (error as GraphQLError).locations ?? [];
    return file === undefined ? `line ${line}, column ${column}: ` : `${file}:${line}:${column}: `;
  }
}
