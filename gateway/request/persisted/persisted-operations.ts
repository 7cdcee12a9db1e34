import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Store } from '../../cache/stores/store';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import type { Logger } from '../../telemetry/logger';
import { withoutTexts } from '../../telemetry/sent-texts';
import { sha256 } from './manifest';
import type { PersistedOperationStatistics } from '../../telemetry/statistics/persisted-operation-statistics';
import { findMisfits, type TrustedOperations } from './trusted-operations';

export interface PersistedOperationsOptions {
  readonly options: Pick<Options, 'persistedOperations' | 'cache'>;
  /** What its manifests have. */
  readonly trusted: TrustedOperations;
  /** Where those are kept that clients register, for all gateways that share it. */
  readonly store: Store;
  readonly statistics: PersistedOperationStatistics;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Operations that clients name in place of sending them: those of manifests, which are trusted, and automatic ones,
 * which any client registers by sending them once with their SHA-256.
 */
export class PersistedOperations {
  readonly #settings: PersistedOperationsOptions;
  readonly #trusted: TrustedOperations;
  readonly #isAutomatic: boolean;
  readonly #automatic = new LRUCache<string, string>({
    maxSize: mostBytes,
    sizeCalculation: (text) => text.length * 2 + 300,
  });
  readonly #told = new LRUCache<string, true>({ max: 1_000 });
  /** Ends the comparison with a schema. */
  #comparing = new AbortController();
  /**
   * Says why the text of an operation must not be run.
   *
   * @default undefined: whatever it is may be
   */
  readonly refuse: ((text: string) => GraphQLError | undefined) | undefined;

  constructor(settings: PersistedOperationsOptions) {
    this.#settings = settings;
    const { automatic, manifest, mode } = settings.options.persistedOperations;
    this.#trusted = settings.trusted;
    const isChecked = manifest.length > 0 && mode !== 'allow-unknown';
    this.#isAutomatic = automatic && !(isChecked && mode === 'reject');
    if (isChecked) this.refuse = (text) => this.#refuseUnknown(text, mode === 'reject');
  }

  /** Whether the manifests of another one have the same operations. */
  trustsAs(other: PersistedOperations): boolean {
    return this.#trusted.digest === other.#trusted.digest;
  }

  /**
   * Says in the log how many operations of manifests a schema does not have. They are no reason to refuse anything:
   * manifests are published before what they need, and keep what older clients ask.
   *
   * @param schema what clients see, in parts
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

  /** Ends what goes on in the background. */
  close(): void {
    this.#comparing.abort();
  }

  /**
   * A request with the text in the place of what names it. What nobody knows is left to Apollo Server to refuse, in the
   * form that it has a word for.
   */
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

  /** What Apollo Server registers operations with, once it has found their hashes right and the operations valid. */
  get registry() {
    if (!this.#isAutomatic && this.#trusted.texts.size === 0) return undefined;
    return {
      // Whatever is known is spelt out before.
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
    // Whoever can write to the store must not make one operation of another.
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
      // Clients register it again with a gateway that does not know it.
    }
  }

  #refuseUnknown(text: string, isRejected: boolean): GraphQLError | undefined {
    if (this.#trusted.texts.has(text)) return undefined;
    this.#settings.statistics.untrusted++;
    if (isRejected) return requestError('QUERY_NOT_IN_SAFELIST', {});
    const hash = sha256(text);
    if (!this.#told.has(hash)) {
      this.#told.set(hash, true);
      const document = withoutTexts(text, longestTold);
      this.#settings.logger.warn({ sha256: hash, document }, 'an operation is in no manifest');
    }
    return undefined;
  }
}

/** 16 MiB. */
const mostBytes = 16 * 1024 * 1024;
const longestTold = 1_000;
const keyOf = (hash: string): string => `operation:${hash}`;
const isHash = /^[0-9a-f]{64}$/;

/** The members of a request that name its operation, or are it. */
export interface NamedRequest {
  readonly query?: unknown;
  /** Apollo's clients name an operation in `persistedQuery`, by its SHA-256 or by its id in a manifest. */
  readonly extensions?: unknown;
  /** GraphQL over HTTP, appendix A: an id, or `sha256:` and the SHA-256. */
  readonly documentId?: unknown;
  /** As Relay's documentation has clients send it. */
  readonly doc_id?: unknown;
  readonly id?: unknown;
}

/** Those that hold an id and nothing else. */
export const idMembers = ['documentId', 'doc_id', 'id'] as const;

/** What names the operation of a request; undefined where it sends the text, or says nothing that names one. */
function nameIn(request: NamedRequest): string | undefined {
  const { query } = request;
  const extensions = request.extensions ?? {};
  // Apollo Server says what is wrong with extensions that are no map, and with another version.
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

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
