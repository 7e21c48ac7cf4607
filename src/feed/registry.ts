import type { ChangedKey, ChangesWanted, KeyRange } from '../replica/change-source.ts';
import { refName } from '../replica/cell-ref.ts';
import { KeySieve } from '../replica/key-sieve.ts';
import { selects, type Selector } from './selector.ts';

interface KeyspaceEntry<T> {
  readonly range: KeyRange;
  readonly scans: Set<T>;
  members: number;
}

/** Who is interested in which key: single keys by look-up, ranges by a list for each keyspace. */
export class Registry<T extends { readonly selector: Selector }> {
  readonly #byKey = new Map<string, Set<T>>();
  readonly #keyspaces = new Map<string, KeyspaceEntry<T>>();
  readonly #sieve = new KeySieve(() => this.#keys());
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Every keyspace that anyone is interested in: whole, or, where all want single keys, what the sieve
   * lets through.
   */
  wanted(): Pick<ChangesWanted, 'ranges' | 'singles'> {
    const ranges: KeyRange[] = [];
    const keyspaces: KeyRange[] = [];
    for (const { range, scans } of this.#keyspaces.values())
      (scans.size > 0 ? ranges : keyspaces).push(range);
    return { ranges, singles: { keyspaces, sieve: this.#sieve.bytes } };
  }

  add(member: T): void {
    const { tenant, keyspace, key } = member.selector;
    const name = refName({ tenant, keyspace, key: '' });
    const entry = this.#keyspaces.get(name) ?? {
      range: { tenant, keyspace, from: '', to: undefined },
      scans: new Set(),
      members: 0,
    };
    this.#keyspaces.set(name, entry);
    entry.members++;
    this.#size++;
    if (key === undefined) entry.scans.add(member);
    else this.#keyMembers(member.selector, key).add(member);
  }

  remove(member: T): void {
    const { tenant, keyspace, key } = member.selector;
    const name = refName({ tenant, keyspace, key: '' });
    const entry = this.#keyspaces.get(name);
    if (!entry) return;
    if (--entry.members === 0) this.#keyspaces.delete(name);
    this.#size--;
    if (key === undefined) {
      entry.scans.delete(member);
      return;
    }
    const members = this.#keyMembers(member.selector, key);
    members.delete(member);
    if (members.size > 0) return;
    this.#byKey.delete(refName({ tenant, keyspace, key }));
    this.#sieve.removed();
  }

  /** Whether anyone is interested in this key. */
  has(changed: ChangedKey): boolean {
    if (this.#byKey.has(refName(changed))) return true;
    const scans = this.#keyspaces.get(refName({ ...changed, key: '' }))?.scans ?? [];
    for (const { selector } of scans) if (selects(selector, changed.key)) return true;
    return false;
  }

  /** All who are interested in this key. A copy: it may be walked while others leave. */
  of(changed: ChangedKey): readonly T[] {
    const members = [...(this.#byKey.get(refName(changed)) ?? [])];
    const entry = this.#keyspaces.get(refName({ ...changed, key: '' }));
    for (const member of entry?.scans ?? [])
      if (selects(member.selector, changed.key)) members.push(member);
    return members;
  }

  #keyMembers({ tenant, keyspace }: Selector, key: string): Set<T> {
    const name = refName({ tenant, keyspace, key });
    const known = this.#byKey.get(name);
    if (known) return known;
    const members = new Set<T>();
    this.#byKey.set(name, members);
    this.#sieve.added(key);
    return members;
  }

  *#keys(): Iterable<string> {
    for (const name of this.#byKey.keys()) yield name.slice(name.lastIndexOf('\0') + 1);
  }
}
