import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Store } from '../../cache/stores/store';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import { isMap } from '../../options/is-map';
import type { Logger } from '../../telemetry/logger';
import { withoutTexts } from '../../telemetry/sent-texts';
import { sha256 } from './manifest';
import type { PersistedOperationStatistics } from '../../telemetry/statistics/persisted-operation-statistics';
import { findMisfits, type TrustedOperations } from './trusted-operations';

export interface PersistedOperationsOptions {
  readonly options: Pick<Options, 'persistedOperations' | 'cache'>;
  readonly trusted: TrustedOperations;
  /** Holds operations that clients register, for all gateways that share the store. */
  readonly store: Store;
  readonly statistics: PersistedOperationStatistics;
  readonly logger: Pick<Logger, 'warn'>;
  /** Bytes of registered operations in the memory of this process. */
  readonly mostBytes: number;
}

/** Operations sent as an id or hash: trusted ones of manifests, and automatic ones that clients register. */
export class PersistedOperations {
  readonly #settings: PersistedOperationsOptions;
  readonly #trusted: TrustedOperations;
  readonly #isAutomatic: boolean;
  readonly #automatic: LRUCache<string, string>;
  readonly #reported = new LRUCache<string, true>({ max: 1_000 });
  /** Aborts the running comparison with a schema. */
  #comparing = new AbortController();
  /** Returns the error if the text of an operation must not be run. @default undefined: every operation may be run */
  readonly refuse: ((text: string) => GraphQLError | undefined) | undefined;

  constructor(settings: PersistedOperationsOptions) {
    this.#settings = settings;
    this.#automatic = new LRUCache({
      maxSize: settings.mostBytes,
      sizeCalculation: (text) => text.length * 2 + 300,
    });
    const { automatic, manifest, mode } = settings.options.persistedOperations;
    this.#trusted = settings.trusted;
    const isChecked = manifest.length > 0 && mode !== 'allow-unknown';
    this.#isAutomatic = automatic && !(isChecked && mode === 'reject');
    if (isChecked) this.refuse = (text) => this.#refuseUnknown(text, mode === 'reject');
  }

  trustsAs(other: PersistedOperations): boolean {
    return this.#trusted.digest === other.#trusted.digest;
  }

  /**
   * Logs how many operations of manifests do not fit a schema. Nothing is refused because of that: manifests are
   * published before the schema that they need, and contain operations of older clients.
   *
   * @param schema the API schema, in parts
   */
  async compare(schema: readonly string[]): Promise<void> {
    this.close();
    const { options, logger } = this.#settings;
    const files = options.persistedOperations.manifest;
    if (files.length === 0) return;
    const { signal } = (this.#comparing = new AbortController());
    try {
      const misfits = await findMisfits({ files, schema }, signal);
      if (misfits !== undefined && misfits.count > 0)
        logger.warn(misfits, 'operations of manifests do not fit the supergraph');
    } catch (error) {
      logger.warn(
        { reason: (error as Error).message },
        'manifests could not be compared with the supergraph',
      );
    }
  }

  /** Ends the comparison that runs in the background. */
  close(): void {
    this.#comparing.abort();
  }

  /** The request with the text of its operation. For an unknown id or hash Apollo Server gets `persistedQuery`. */
  spellOut(request: NamedRequest): NamedRequest | Promise<NamedRequest> {
    const name = nameIn(request);
    if (name === undefined) return request;
    const near = this.#near(name);
    return near === undefined
      ? this.#far(name).then((text) => this.#spelled(request, name, text))
      : this.#spelled(request, name, near);
  }

  #spelled(request: NamedRequest, name: string, text: string | undefined): NamedRequest {
    const { statistics } = this.#settings;
    const { persistedQuery = { version: 1, sha256Hash: name }, ...extensions } = isMap(request.extensions)
      ? request.extensions
      : {};
    if (text === undefined) {
      statistics.not_found++;
      return { ...request, extensions: { ...extensions, persistedQuery } };
    }
    statistics.found++;
    return { ...request, query: text, extensions };
  }

  /** The cache in which Apollo Server registers operations, after it has checked their hashes and validated them. */
  get registry() {
    if (!this.#isAutomatic && this.#trusted.texts.size === 0) return undefined;
    return {
      // `spellOut` has already replaced every known hash.
      get: () => Promise.resolve(undefined),
      set: (_key: string, text: string) => this.#register(text),
      delete: () => Promise.resolve(false),
    };
  }

  #near(name: string): string | undefined {
    return this.#trusted.byName.get(name) ?? this.#automatic.get(name);
  }

  async #far(hash: string): Promise<string | undefined> {
    if (!this.#isAutomatic || !isHash.test(hash)) return undefined;
    const look = await this.#settings.store.get([keyOf(hash)]).catch(() => undefined);
    const text = look?.entries[0]?.value.toString();
    // The store is not trusted: a text under another text's hash must not be run.
    if (text === undefined || sha256(text) !== hash) return undefined;
    this.#automatic.set(hash, text);
    return text;
  }

  async #register(text: string): Promise<void> {
    const { options, store, statistics } = this.#settings;
    const hash = sha256(text);
    if (!this.#isAutomatic || this.#near(hash) !== undefined) return;
    statistics.registered++;
    this.#automatic.set(hash, text);
    const now = Date.now();
    const until = now + options.cache.longest;
    const entry = { value: Buffer.from(text), tags: [], storedAt: now, freshUntil: until, keptUntil: until };
    try {
      const { clock } = await store.get([]);
      await store.set(new Map([[keyOf(hash), entry]]), clock);
    } catch {
      // Another gateway that does not find the operation asks its client to register it again.
    }
  }

  #refuseUnknown(text: string, isRejected: boolean): GraphQLError | undefined {
    if (this.#trusted.texts.has(text)) return undefined;
    this.#settings.statistics.untrusted++;
    if (isRejected) return requestError('QUERY_NOT_IN_SAFELIST', {});
    const hash = sha256(text);
    if (!this.#reported.has(hash)) {
      this.#reported.set(hash, true);
      const document = withoutTexts(text, longestReported);
      this.#settings.logger.warn({ sha256: hash, document }, 'an operation is in no manifest');
    }
    return undefined;
  }
}

const longestReported = 1_000;
const keyOf = (hash: string): string => `operation:${hash}`;
const isHash = /^[0-9a-f]{64}$/;

/** The members of a request that hold the text, id or hash of its operation. */
export interface NamedRequest {
  readonly query?: unknown;
  /** `persistedQuery` has the SHA-256 of an operation or its id in a manifest, as Apollo's clients send it. */
  readonly extensions?: unknown;
  /** GraphQL over HTTP, appendix A: an id, or `sha256:` and the SHA-256. */
  readonly documentId?: unknown;
  /** As Relay's documentation has clients send it. */
  readonly doc_id?: unknown;
  readonly id?: unknown;
}

/** The members that hold nothing but an id. */
export const idMembers = ['documentId', 'doc_id', 'id'] as const;

/** The id or hash of a request's operation; undefined if the request has the text, or none of these. */
function nameIn(request: NamedRequest): string | undefined {
  const { query } = request;
  const extensions = request.extensions ?? {};
  // Apollo Server reports extensions that are no map, and other versions.
  if ((query !== undefined && query !== null) || !isMap(extensions)) return undefined;
  const { persistedQuery } = extensions;
  const name =
    persistedQuery === undefined
      ? idMembers.map((member) => request[member]).find((id) => id !== undefined)
      : isMap(persistedQuery) && persistedQuery['version'] === 1
        ? persistedQuery['sha256Hash']
        : undefined;
  return typeof name === 'string' && name !== '' ? name.replace(/^sha256:/, '') : undefined;
}
