/** What was read, up to a number of bytes; what was used last goes last. */

interface Kept<T> {
  value: Promise<T>;
  bytes: number;
}

export class Cache<T> {
  private readonly kept = new Map<string, Kept<T>>();
  private total = 0;

  constructor(
    private readonly most: number,
    private readonly size: (value: T) => number,
  ) {}

  /** The value of a key, read where it is not kept. What failed is not kept. */
  get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known.value;
    }
    const entry: Kept<T> = { value: read(), bytes: 0 };
    this.kept.set(key, entry);
    entry.value.then(
      (value) => {
        if (this.kept.get(key) !== entry) return;
        entry.bytes = this.size(value);
        this.total += entry.bytes;
        this.trim();
      },
      () => this.kept.delete(key),
    );
    return entry.value;
  }

  private trim(): void {
    for (const [key, { bytes }] of this.kept) {
      if (this.total <= this.most) return;
      this.kept.delete(key);
      this.total -= bytes;
    }
  }
}
