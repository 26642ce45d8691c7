/** The same random numbers on every run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
export const whole = (next: () => number, most: number): number => Math.floor(next() * most);
export const one = <T>(next: () => number, of: readonly T[]): T => of[whole(next, of.length)];
