import { type DocumentNode, getOperationAST, parse } from 'graphql';
import type { RefusedLabels } from '../../auth/directives';
import { anonymous, type Identity } from '../../auth/identity';
import { countNodes, mayDefer } from '../../execution';
import { compileOperationCost } from '../../limits/cost/operation-cost';
import { refuseOperation } from '../../limits/operation-limits';
import type { PlannedOperation } from '../../planning';
import { countedOperation } from '../../telemetry/metrics/call-statistics';
import { type CompiledOperation, variantOf } from '../compiled-operation';
import type { OverrideCaller } from '../overrides';
import type { OperationOptions, OperationParts } from './options';

/** Compiles operations of one supergraph, as far as that is possible before they are planned. */
export class OperationCompiler {
  readonly #options: OperationOptions & OperationParts;
  /** The origins of all subgraphs, for cache keys. */
  readonly #origins: string;

  constructor(options: OperationOptions & OperationParts) {
    this.#options = options;
    const subgraphs = [...options.subgraphs.values()];
    this.#origins = JSON.stringify(subgraphs.map(({ name, origin }) => [name, origin]));
  }

  /** @param source a document that is valid for the schema @param hash SHA-256 of the document */
  compile(source: string, hash: string, operationName: string | undefined): CompiledOperation {
    const { assumedListSize, authorization, caching, costs, limits, schema, supergraph, usage } =
      this.#options;
    const document = parse(source, { noLocation: true });
    const operation = getOperationAST(document, operationName)!;
    const cost = compileOperationCost(document, operation, { schema, directives: costs, assumedListSize });
    const refuse = refuseOperation(source, cost, limits);
    const access = authorization.accessTo(document, operation);
    const isOpenTo = (identity: Identity): boolean => access.isOpenTo(identity);
    const own = { access, overridesFor: this.#options.callerOverrides?.(document, schema) };
    const cached = caching.responses.describe({
      ...{ document, operation, schema, supergraph, origins: this.#origins },
      documentHash: hash,
    });
    return {
      ...{ source, hash, operation, operationName, cost, refuse, ...own },
      counted: countedOperation(operation.operation, operation.name?.value),
      isOpen: access.isOpenTo(anonymous),
      bytes: sizeOfKnown(document),
      defers: mayDefer(document),
      count: usage?.operation(source, operationName, schema),
      // Called for each request. Spreads would cost a microsecond here.
      cacheQuery: (variables, refused, caller) => ({
        operation: cached,
        variables,
        refuse,
        variant: variantOf(own, refused, caller),
        isOpenTo,
        outside: own.overridesFor?.(caller),
      }),
    };
  }

  /** The operation as it is planned for callers to whom this is refused. */
  plannedOf(
    { hash: documentHash, operationName, overridesFor, source: document }: CompiledOperation,
    refused: RefusedLabels,
    caller: OverrideCaller,
  ): PlannedOperation {
    const chosen = this.#options.chooseOverrides();
    const overrideLabels =
      overridesFor === undefined ? chosen : [...chosen, ...overridesFor(caller).on].sort();
    return { document, documentHash, operationName, overrideLabels, refused };
  }

  /** Without a promise where it is known what is refused to the caller. */
  plannedFor(
    compiled: CompiledOperation,
    caller: OverrideCaller & { readonly identity: Identity },
  ): PlannedOperation | Promise<PlannedOperation> {
    const { access } = compiled;
    const { identity } = caller;
    const refused = access.peek(identity);
    return refused === undefined
      ? access.decide(identity).then((decided) => this.plannedOf(compiled, decided, caller))
      : this.plannedOf(compiled, refused, caller);
  }
}

/** Bytes on the heap, fitted to measurements: syntax trees and costs grow with the number of nodes. */
const sizeOfKnown = (document: DocumentNode): number => 5500 + 230 * countNodes(document);
