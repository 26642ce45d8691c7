import { describe, expect, it } from 'vitest';
import { fold, match, prepare } from '../src/search/match';
import { optionsOf, searchable, wellIn } from '../src/search/options';
import { table } from './tables';

const found = (query: string, names: string[], counts?: number[]): string[] =>
  match(query, [prepare('compound', names, counts ?? names.map(() => 1))]).map(({ name }) => name);

describe('names', () => {
  it('are found by any spelling', () => {
    for (const query of ['amg900', 'AMG 900', 'amg-900', 'Amg_900', ' amg  900 ', 'AMG.900']) expect(found(query, ['DMSO', 'AMG-900'])).toEqual(['AMG-900']);
    expect(found('cafeine', ['Caféine'])).toEqual(['Caféine']);
    expect(found('β-estradiol', ['Β Estradiol'])).toEqual(['Β Estradiol']);
  });
  it('come exact first, then by start, start of a word, inside; then the commonest; then by name', () => {
    const names = ['xamg900', 'pan AMG900', 'AMG9000', 'AMG900'];
    expect(found('amg900', names)).toEqual(['AMG900', 'AMG9000', 'pan AMG900', 'xamg900']);
    expect(found('ab', ['abz', 'aby', 'abx'], [1, 5, 1])).toEqual(['aby', 'abx', 'abz']);
  });
  it('without rows, and queries of nothing, give nothing', () => {
    expect(found('dmso', ['DMSO'], [0])).toEqual([]);
    for (const query of ['', ' ', '-', '().']) expect(found(query, ['DMSO', ''])).toEqual([]);
  });
  it('are at most as many as asked', () => {
    const names = Array.from({ length: 50 }, (_, i) => `C${i}`);
    expect(match('c', [prepare('compound', names, names.map(() => 1))], 12)).toHaveLength(12);
  });
  it('fold to words parted by one space', () => expect(fold(' (S)-Naproxen, 5’-ÄB ')).toBe('s naproxen 5 ab'));
});

describe('options', () => {
  const perturbations = table(4, { perturbation: ['BRD-1', 'DMSO', 'ABC', 'BRD-2'], name: ['ABC', 'DMSO', 'abd', 'ABC-2'], gene: ['ABCB1', '', 'ABCB1', ''] });
  const wells = table(2, { plate: ['P1', 'ABC'] });
  const index = searchable(perturbations, wells);
  const said = (text: string, questions: string[] = []): string[] =>
    optionsOf(text, index, null, questions).map((option) => (option.of === 'name' ? `${option.found.kind} ${option.found.name}` : option.of === 'ask' ? option.question : 'well'));

  it('name each of several genes by itself, and count compounds, not their doses', () => {
    const dosed = table(4, { perturbation: ['A', 'A', 'B', 'C'], concentration: [NaN, 1, NaN, NaN], gene: ['AURKA|AURKB', 'AURKA|AURKB', 'AURKB', 'TP53'] });
    const found = optionsOf('aurk', searchable(dosed, null), null, []);
    expect(found.map((option) => option.of === 'name' && [option.found.kind, option.found.name, option.found.count])).toEqual([['gene', 'AURKB', 2], ['gene', 'AURKA', 1]]);
  });
  it('name a compound once, whether by name or identifier', () => expect(said('abc')).toEqual(['compound ABC', 'plate ABC', 'gene ABCB1', 'compound ABC-2']));
  it('end with questions that the text can be', () => {
    const all = ['text', 'smiles', 'gene'];
    expect(said('TP53', all)).toEqual(all);
    expect(said('CC(=O)O', all)).toEqual(['text', 'smiles']);
    expect(said('a kinase inhibitor', all)).toEqual(['text']);
    expect(said('zzz', [])).toEqual([]);
    expect(said('  ', all)).toEqual([]);
  });
  it('know wells of a plate, and of the shown plate', () => {
    expect(wellIn('p1:a1', ['P1', 'P:2'], 'P:2')).toEqual({ plate: 'P1', well: 'A01' });
    expect(wellIn('P:2:B3', ['P1', 'P:2'], 'P1')).toEqual({ plate: 'P:2', well: 'B03' });
    expect(wellIn('b03', ['P1'], 'P1')).toEqual({ plate: 'P1', well: 'B03' });
    expect(wellIn('P9:B03', ['P1'], 'P1')).toBeNull();
    expect(wellIn('brca1', ['P1'], 'P1')).toBeNull();
  });
});
