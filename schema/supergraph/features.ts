/** The features that a supergraph links, and what of its schema belongs to them (https://specs.apollo.dev/link/v1.0). */
import { type DefinitionNode, type DocumentNode, Kind } from 'graphql';
import { type Applied, applied } from './sdl';

export interface Feature {
  /** Its address without the version. */
  readonly identity: string;
  readonly url: string;
  /** The name that its elements begin with. */
  readonly prefix: string;
  readonly purpose: string | undefined;
  /** Names in the schema by names in the feature; both of directives with `@`. */
  readonly imports: ReadonlyMap<string, string>;
}

export class Features {
  readonly all: readonly Feature[];
  readonly #owned: ReadonlySet<string>;
  readonly #prefixes: ReadonlySet<string>;

  constructor({ definitions }: DocumentNode) {
    this.all = definitions.flatMap((node) =>
      node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
        ? [...applied(node, 'core'), ...applied(node, 'link')].map(featureOf)
        : [],
    );
    this.#prefixes = new Set(this.all.map(({ prefix }) => prefix));
    this.#owned = new Set(this.all.flatMap(({ imports }) => [...imports.values()]));
  }

  /** The feature with an identity below `https://specs.apollo.dev/`. */
  named(name: string): Feature | undefined {
    return this.all.find(({ identity }) => identity === `https://specs.apollo.dev/${name}`);
  }

  /**
   * The name in the schema of a directive of a feature; undefined without the feature.
   *
   * @default the directive that is named like its feature
   */
  directiveOf(name: string, directive = name): string | undefined {
    const feature = this.named(name);
    if (feature === undefined) return undefined;
    const prefixed = directive === name ? feature.prefix : `${feature.prefix}__${directive}`;
    return feature.imports.get(`@${directive}`)?.slice(1) ?? prefixed;
  }

  /** Whether a definition belongs to a feature, and not to what clients see. */
  owns(definition: DefinitionNode): boolean {
    const name = 'name' in definition ? definition.name.value : undefined;
    if (name === undefined) return false;
    const isDirective = definition.kind === Kind.DIRECTIVE_DEFINITION;
    if (this.#owned.has(isDirective ? `@${name}` : name)) return true;
    if (isDirective && this.#prefixes.has(name)) return true;
    const end = name.indexOf('__');
    return end > 0 && this.#prefixes.has(name.slice(0, end));
  }

  /** Whether the uses of a directive belong to a feature. */
  ownsDirective(name: string): boolean {
    if (this.#owned.has(`@${name}`) || this.#prefixes.has(name)) return true;
    const end = name.indexOf('__');
    return end > 0 && this.#prefixes.has(name.slice(0, end));
  }
}

function featureOf({ as, feature, for: purpose, import: imported, url: link }: Applied): Feature {
  const url = String(feature ?? link);
  const [, identity = url, name = url] =
    /^(.*\/([^/]+))\/v\d+\.\d+$/.exec(url) ?? /^(.*\/([^/]+))$/.exec(url) ?? [];
  const imports = new Map<string, string>();
  for (const one of Array.isArray(imported) ? (imported as readonly unknown[]) : []) {
    if (typeof one === 'string') imports.set(one, one);
    else {
      const { name: own, as: renamed } = one as { readonly name: string; readonly as?: string };
      imports.set(own, renamed ?? own);
    }
  }
  const prefix = typeof as === 'string' ? as : name;
  return { identity, url, prefix, purpose: typeof purpose === 'string' ? purpose : undefined, imports };
}
