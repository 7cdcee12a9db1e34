/**
 * The deferred fragments of one response: which objects they are at, what of each is sent, and when it is complete. The
 * terms are those of the incremental delivery proposal (https://github.com/graphql/graphql-spec/pull/1110).
 *
 * Over 300 lines: what a part contains follows from what all parts before it contained.
 */
import { GraphQLError } from 'graphql';
import { type ErrorCode } from '../../errors';
import {
  type Deferral,
  type DeferredFields,
  type DeferredSelection,
  type DeferUsage,
} from '../compile/defer';
import { locate, type ResponsePosition } from '../compile/response-position';
import { type Run } from '../run/run';
import { Completion, type Specials } from './complete';
import { type ErrorPaths } from './error-paths';
import { type Path } from './losses';

/** A fragment that a client has to wait for. */
export interface PendingFragment {
  /** Unique within the response. */
  readonly id: string;
  readonly path: Path;
  readonly label: string | undefined;
}

/** Fields that a part adds to the response. */
export interface Increment {
  readonly fragment: PendingFragment;
  /** Where the fields belong, within the fragment's path. */
  readonly subPath: Path;
  /** JSON of an object, in UTF-8. */
  readonly data: Buffer;
  readonly errors: readonly GraphQLError[];
}

export interface CompletedFragment {
  readonly fragment: PendingFragment;
  /** Why it has no data: a null of it has propagated to its object. Undefined if it has. */
  readonly errors: readonly GraphQLError[] | undefined;
}

export interface DeferredPart {
  readonly pending: readonly PendingFragment[];
  readonly incremental: readonly Increment[];
  readonly completed: readonly CompletedFragment[];
  readonly hasNext: boolean;
}

/** A deferred fragment at one object of the response. */
class Fragment implements PendingFragment {
  id = '';
  /** Fields that are sent with it, some perhaps with another one before it. */
  readonly fields: FieldsAt[] = [];
  readonly children: Fragment[] = [];

  constructor(
    readonly usage: DeferUsage,
    readonly path: Path,
    readonly parent: Fragment | undefined,
    /** Where the output of the object begins. */
    readonly at: number,
  ) {}

  get label(): string | undefined {
    return this.usage.label;
  }
}

/** Deferred fields of one object of the response. */
interface FieldsAt {
  readonly selection: DeferredFields;
  readonly path: Path;
  /** The fragments that they are sent with: the first one sends them. */
  readonly fragments: readonly Fragment[];
  /** These, and the fragments within them that select the fields, too. */
  readonly owners: readonly Fragment[];
  readonly at: number;
  isSent: boolean;
}

export interface DeferredPartsOptions {
  readonly run: Run;
  readonly errorPaths: ErrorPaths;
  readonly deferral: Deferral;
  readonly introspect: Specials['introspect'];
}

/** Writes the parts of one response after the first. As `Specials` of the first part, it notes what is deferred. */
export class DeferredParts implements Specials {
  readonly introspect: Specials['introspect'];
  readonly #run: Run;
  readonly #errorPaths: ErrorPaths;
  readonly #deferral: Deferral;
  readonly #sent = new Set<DeferUsage>();
  /** The fragments at the object that is being written, and at those around it, by the numbers of their usages. */
  readonly #current: Fragment[] = [];
  /** What was found in the output that is being written, which may be undone. */
  readonly #foundFragments: Fragment[] = [];
  readonly #foundFields: FieldsAt[] = [];
  /** The fragments that were announced, and not written, by their usages. */
  readonly #announced = new Map<DeferUsage, Fragment[]>();
  #ids = 0;
  /** How many fragments a client still waits for. */
  #open = 0;
  /** The last part, until another one is requested: its reader may have to replace it. */
  #last: { readonly written: readonly FragmentResult[]; readonly pending: readonly Fragment[] } | undefined;
  /** Errors at fields that no part had. */
  #unallotted: GraphQLError[] = [];

  constructor({ run, errorPaths, deferral, introspect }: DeferredPartsOptions) {
    this.introspect = introspect;
    this.#run = run;
    this.#errorPaths = errorPaths;
    this.#deferral = deferral;
  }

  get isWhole(): boolean {
    return this.#foundFields.length === 0;
  }

  defer({ usages, later }: DeferredSelection, path: Path, at: number): void {
    for (const usage of usages) {
      const parent = usage.parent && this.#current[usage.parent.index];
      const fragment = new Fragment(usage, path, parent, at);
      this.#current[usage.index] = fragment;
      this.#foundFragments.push(fragment);
    }
    const currentOf = ({ index }: DeferUsage): Fragment => this.#current[index]!;
    for (const selection of later) {
      const [fragments, owners] = [selection.usages.map(currentOf), selection.owners.map(currentOf)];
      this.#foundFields.push({ selection, path, fragments, owners, at, isSent: false });
    }
  }

  takeBack(end: number): void {
    // What was found last begins last.
    for (const found of [this.#foundFragments, this.#foundFields])
      while (found.length > 0 && found.at(-1)!.at >= end) found.pop();
  }

  /** The fragments that a client has to wait for after the first part. Call when it is written. */
  announce(): DeferredPart {
    const fragments = this.#foundFragments.splice(0);
    this.#link(fragments, this.#foundFields.splice(0));
    const pending = this.#announce(fragments.filter(({ parent }) => parent === undefined));
    return { pending, incremental: [], completed: [], hasNext: this.#open > 0 };
  }

  /** The last part was sent. */
  confirm(): void {
    this.#last = undefined;
  }

  /** Writes the fragments of these usages, whose fetches have ended; undefined if there are none. */
  write(usages: readonly DeferUsage[]): DeferredPart | undefined {
    for (const usage of usages) this.#sent.add(usage);
    const before = this.#errorPaths.errors.length;
    this.addErrors();
    this.#unallotted.push(...this.#errorPaths.errors.slice(before));
    const completion = new Completion(this.#run, this.#errorPaths, this);
    const pending: Fragment[] = [];
    const written: FragmentResult[] = [];
    for (const usage of usages.toSorted((one, other) => one.index - other.index)) {
      for (const fragment of this.#announced.get(usage) ?? []) {
        const result = this.#writeFragment(completion, fragment);
        written.push(result);
        this.#open--;
        if (!result.isFailed) pending.push(...this.#announce(fragment.children));
      }
      this.#announced.delete(usage);
    }
    if (written.length === 0) return undefined;
    this.#last = { written, pending };
    if (this.#open === 0) this.#addLastErrors();
    this.#allot(written);
    return {
      pending,
      incremental: written.flatMap(({ fragment, isFailed, increments }) =>
        isFailed
          ? []
          : increments.map(({ path, data, errors: reported }) => ({
              ...{ fragment, data, errors: reported },
              subPath: path.slice(fragment.path.length),
            })),
      ),
      completed: written.map(({ fragment, isFailed, errors: reported }) => ({
        fragment,
        errors: isFailed ? (reported.length > 0 ? reported : this.#errorsIn(fragment)) : undefined,
      })),
      hasNext: this.#open > 0,
    };
  }

  /** Ends all fragments that a client waits for with an error, instead of a last part that was not sent. */
  fail(error: GraphQLError): DeferredPart {
    const { written = [], pending = [] } = this.#last ?? {};
    const unsent = written.map(({ fragment }) => fragment);
    const open = [...unsent, ...[...this.#announced.values()].flat()].filter((one) => !pending.includes(one));
    this.#announced.clear();
    this.#open = 0;
    const completed = open.map((fragment) => ({ fragment, errors: [error] }));
    return { pending: [], incremental: [], completed, hasNext: false };
  }

  /** Adds the errors of the calls whose answers are sent. Call before the first part is written. */
  addErrors(): void {
    const ended = [this.#deferral.first, ...[...this.#sent].map((usage) => this.#deferral.needsOf(usage))];
    this.#errorPaths.addErrorsOfPart(
      (fetch) => ended.some((fetches) => fetches.has(fetch)),
      (path) => {
        const usages = this.#deferral.usagesAt(path);
        return usages.length > 0 && !usages.some((usage) => this.#sent.has(usage));
      },
    );
  }

  #addLastErrors(): void {
    const before = this.#errorPaths.errors.length;
    this.#errorPaths.addErrorsWithoutPosition();
    this.#unallotted.push(...this.#errorPaths.errors.slice(before));
  }

  #writeFragment(completion: Completion, fragment: Fragment): FragmentResult {
    const result: FragmentResult = { fragment, increments: [], isFailed: false, errors: [] };
    const queue = fragment.fields.filter(({ isSent }) => !isSent);
    const found: { fragments: Fragment[]; fields: FieldsAt[] } = { fragments: [], fields: [] };
    // The loop also visits the fields that it adds.
    for (const fields of queue) {
      const before = this.#errorPaths.errors.length;
      const data = this.#writeFields(completion, fields);
      const errorsOfFields = this.#errorPaths.errors.slice(before);
      if (data === undefined) {
        const all = [...result.increments.flatMap((one) => one.errors), ...errorsOfFields];
        return { ...result, isFailed: true, errors: all };
      }
      result.increments.push({ ...fields, data, errors: errorsOfFields });
      found.fragments.push(...this.#foundFragments.splice(0));
      for (const one of this.#foundFields.splice(0)) {
        found.fields.push(one);
        if (one.fragments.includes(fragment)) queue.push(one);
      }
    }
    for (const fields of queue) fields.isSent = true;
    this.#link(found.fragments, found.fields);
    return result;
  }

  /** Returns undefined if a null must propagate to the object. */
  #writeFields(completion: Completion, { selection, path, owners }: FieldsAt): Buffer | undefined {
    const { out } = this.#run;
    out.end = 0;
    for (const owner of owners) this.#current[owner.usage.index] = owner;
    const record = this.#recordAt(path);
    if (!completion.fieldsAt(path, selection.fields, record)) return undefined;
    return Buffer.from(out.bytes.subarray(0, out.end));
  }

  /** The record of an object. It is looked for again, as answers that came since may have been merged into another one. */
  #recordAt(path: Path): number {
    const { workspace, rootPair } = this.#run;
    let position: ResponsePosition | undefined = this.#deferral.root;
    let at = rootPair;
    for (const key of path) {
      const record = workspace.tape[at]!;
      if (typeof key === 'number') at = record + 1 + 2 * key;
      else {
        at = locate(workspace, record, position!.access(key)!);
        position = position!.fields.get(key)!.child;
      }
    }
    return workspace.tape[at]!;
  }

  /** The errors that a null of a fragment was explained with before. */
  #errorsIn({ path }: Fragment): GraphQLError[] {
    const known = this.#errorPaths.errors.filter((error) => isPrefix(path, error.path ?? []));
    if (known.length > 0) return known;
    const extensions = { code: 'SUBREQUEST_MALFORMED_RESPONSE' satisfies ErrorCode };
    return [new GraphQLError('A field of the fragment that may not be null is null.', { path, extensions })];
  }

  #link(fragments: readonly Fragment[], fields: readonly FieldsAt[]): void {
    for (const fragment of fragments) fragment.parent?.children.push(fragment);
    for (const one of fields) for (const fragment of one.fragments) fragment.fields.push(one);
  }

  /** Announces fragments; of those that have nothing of their own, the fragments within them. */
  #announce(fragments: readonly Fragment[]): Fragment[] {
    return fragments.flatMap((fragment) => {
      if (fragment.fields.every(({ isSent }) => isSent)) return this.#announce(fragment.children);
      fragment.id = String(this.#ids++);
      this.#open++;
      const reported = this.#announced.get(fragment.usage);
      if (reported === undefined) this.#announced.set(fragment.usage, [fragment]);
      else reported.push(fragment);
      return [fragment];
    });
  }

  /** Puts errors of calls to the fields that they are about. */
  #allot(written: readonly FragmentResult[]): void {
    for (const error of this.#unallotted.splice(0)) {
      const path = error.path ?? [];
      const usages = this.#deferral.usagesAt(path);
      let best: { readonly length: number; readonly errors: GraphQLError[] } | undefined;
      const offer = (at: Path, isSelected: boolean, reported: GraphQLError[]): void => {
        const length = isPrefix(at, path) ? at.length + (isSelected ? 0.5 : 0) : -1;
        if (best === undefined || length > best.length) best = { length, errors: reported };
      };
      for (const { fragment, isFailed, increments, errors: reported } of written) {
        if (isFailed) offer(fragment.path, usages.includes(fragment.usage), reported);
        else
          for (const { path: at, selection, errors: own } of increments)
            offer(
              at,
              selection.usages.some((usage) => usages.includes(usage)),
              own,
            );
      }
      if (best !== undefined) best.errors.push(error);
      else this.#unallotted.push(error);
    }
  }
}

interface FragmentResult {
  readonly fragment: Fragment;
  readonly increments: (Pick<FieldsAt, 'path' | 'selection'> & {
    readonly data: Buffer;
    readonly errors: GraphQLError[];
  })[];
  readonly isFailed: boolean;
  /** Why it failed. */
  readonly errors: GraphQLError[];
}

const isPrefix = (one: Path, other: Path): boolean =>
  one.length <= other.length && one.every((key, i) => key === other[i]);
