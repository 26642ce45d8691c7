/** What a person types, found among names. Case, accents, hyphens, dots and spaces make no difference. */

export interface Names {
  /** What the names are: compound, identifier, gene, ... */
  kind: string;
  names: readonly string[];
  /** `fold` of each. */
  folded: readonly string[];
  /** Of each without spaces. */
  tight: readonly string[];
  /** How many rows have each name. */
  counts: ArrayLike<number>;
}
export interface Found {
  kind: string;
  name: string;
  code: number;
  /** 0 exact, 1 at the start, 2 at the start of a word, 3 inside. */
  rank: number;
  count: number;
}

/** A name without case, accents and punctuation; words parted by one space. */
export function fold(name: string): string {
  return name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[\s_\-‐-―./,:;'’()[\]]+/g, ' ').trim();
}

/** Names made ready for `match`. */
export function prepare(kind: string, names: readonly string[], counts: ArrayLike<number>): Names {
  const folded = names.map(fold);
  return { kind, names, folded, tight: folded.map((name) => name.replaceAll(' ', '')), counts };
}

function rankOf(folded: string, tight: string, query: string, queryTight: string): number {
  if (tight === queryTight) return 0;
  const at = tight.indexOf(queryTight);
  if (at === 0) return 1;
  if (at < 0) return -1;
  return folded.includes(' ' + query) ? 2 : 3;
}

/** The names that hold a query: exact, then at the start, at the start of a word, inside; ties by how often they occur, then by name. */
export function match(query: string, columns: readonly Names[], top = 12): Found[] {
  const folded = fold(query);
  if (!folded) return [];
  const tight = folded.replaceAll(' ', '');
  const found: Found[] = [];
  for (const { kind, names, folded: all, tight: allTight, counts } of columns) {
    for (let code = 0; code < names.length; code++) {
      const rank = rankOf(all[code], allTight[code], folded, tight);
      if (rank >= 0 && counts[code]) found.push({ kind, name: names[code], code, rank, count: counts[code] });
    }
  }
  const order = (a: Found, b: Found): number => a.rank - b.rank || b.count - a.count || compare(a.name, b.name);
  return found.sort(order).slice(0, top);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
