/** What the explorer is told, by the server on loopback or by the report that carries it. Numbers that are missing are null, never 0 or NaN. */

/** One column of the table of wells or of perturbations. */
export interface ColumnAbout {
  /** Its name in the Arrow file, in the address and in `?names=`. */
  name: string;
  /** `category`: dictionary-coded strings, "" where unknown. `number`: float32, NaN where unknown. */
  kind: 'category' | 'number';
  /** Words for a menu; the name with spaces where absent. */
  label?: string;
  /** For example "µM"; absent without one. */
  unit?: string;
}

export interface PlateAbout {
  /** Unique in the index, and the value of the column `plate`: BATCH/PLATE or SOURCE/BATCH/PLATE where a name alone is not. */
  plate: string;
  batch: string;
  source: string;
  wells: number;
  /** How many of them are negative controls. */
  negcon: number;
  /** How many of its wells have images. */
  imaged: number;
}

/** Brightness between which a channel is shown on a plate, in the units of its pixels. */
export type Range = [low: number, high: number];

export interface About {
  title: string;
  /** Of the index; sent back as `?v=`. */
  digest: string;
  /** `impasto` and `index`. */
  versions: Record<string, string | number>;
  counts: { wells: number; perturbations: number; doses: number; plates: number; images: number };
  columns: { wells: ColumnAbout[]; perturbations: ColumnAbout[] };
  /** Vectors that neighbours are asked in; the first is the default. */
  spaces: string[];
  /** By name, in the order they are shown. */
  channels: string[];
  /** Plate -> one range a channel, in the order of `channels`; null where a plate lacks the channel. */
  windows: Record<string, (Range | null)[]>;
  plates: PlateAbout[];
  /** Column -> its ten commonest names in the order of their colours. */
  colours: Record<string, string[]>;
  /** Micrometres a pixel of the unshrunken field; null where unknown. */
  pixel_um: number | null;
  /** Unit of every dose, as "µM"; "" where the index has none. */
  dose_unit: string;
  /** Kinds of `/api/ask` that this index can answer: text, smiles, gene. */
  questions: string[];
  /** What the hits are: how many of how many tested, at which false discovery rate; null without any. */
  hits: { hits: number; tested: number; rate: number; downloads: string[] } | null;
  /** Whether named features are there, for `why`. */
  features: boolean;
  /** Whether single cells can be shown beside those of controls. */
  montages: boolean;
  /** What is absent -> one sentence with the command that makes it. Keys: cells, hits, features, structures, map. */
  missing: Record<string, string>;
  warnings: string[];
}

export interface DoseRow {
  /** Row of perturbations.arrow; null where that dose has no row of its own (the only dose of a compound). */
  row: number | null;
  dose: number | null;
  wells: number;
  plates: number;
  p: number | null;
  /** Corrected p. */
  q: number | null;
  /** null: not tested. */
  hit: boolean | null;
  /** Why it was not called, or not tested; "" where there is nothing to say. */
  reason: string;
}

export interface Curve {
  dose: number[];
  response: number[];
  /** 95 % band. */
  low: number[];
  high: number[];
}

export interface Response {
  /** Of the test against flat. */
  p: number | null;
  q: number | null;
  /** Why no curve is drawn; "" where one is. */
  why: string;
  ec50: number | null;
  ec50_words: string;
  /** Benchmark dose and its 95 % interval; an open end is null. */
  benchmark: number | null;
  benchmark_low: number | null;
  benchmark_high: number | null;
  /** The response that the benchmark dose reaches. */
  benchmark_response: number;
  /** What `response` is measured in, in words. */
  unit: string;
  curve: Curve | null;
  points: { dose: number; response: number; plate: string; well: string }[];
}

/** A compound, whatever dose was asked for. */
export interface Card {
  /** Row of perturbations.arrow of the whole compound. */
  row: number;
  perturbation: string;
  /** Rows of wells.arrow, all doses. */
  wells: number[];
  /** Whether it did something, in one sentence with the corrected p; null where no hits were called. */
  verdict: { hit: boolean; sentence: string } | null;
  /** Ascending. */
  doses: DoseRow[];
  response: Response | null;
  /** Label -> value, shown as they come: InChIKey, cells a well as a share of the controls, ... */
  facts: Record<string, string>;
}

export interface Neighbour {
  /** Row of perturbations.arrow. */
  row: number;
  score: number;
  p: number | null;
  q: number | null;
  /** Share of all pairs of compounds with at least this score. */
  beyond: number | null;
}

/** What chance gives. */
export interface Null {
  /** In words: "1,000 sets of 5 spared control wells of the same plates". */
  kind: string;
  draws: number;
  /** The smallest p there can be. */
  floor: number;
  median: number;
  /** Its 95 % point. */
  high: number;
}

export interface Near {
  query: string;
  space: string;
  /** null where there are no controls to draw from; `reason` says so. */
  null: Null | null;
  reason: string;
  rows: Neighbour[];
}

/** An answer to a question in words, as a structure or as a gene: a prediction. */
export interface Asked extends Near {
  /** How it was answered. */
  how: string;
}

export interface Why {
  cosine: number;
  /** How many features the sum has. */
  features: number;
  groups: { compartment: string; group: string; channel: string; share: number }[];
  /** Sum of what `groups` leaves out. */
  rest: number;
  top: { feature: string; share: number; a: number; b: number }[];
}

/** The fields of one plate; three lists of one length. */
export interface PlateImages {
  well: string[];
  site: string[];
  /** Rows of images.parquet, one a channel in the order of `about.channels`; null where the channel is missing. */
  image: (number | null)[][];
  /** Pixels of a whole field; null where unknown. */
  width: number | null;
  height: number | null;
}

/** What a report carries. `<script type="application/json" id="impasto-data">`, "<" written as \u003c. */
export interface Carried {
  format: 1;
  about: About;
  /** Arrow files in base64. */
  columns: { wells: string; perturbations: string };
  /** By row of perturbations.arrow; a dose's row may point to its compound's card: the page asks for the compound's row first. */
  cards: Record<string, Card>;
  near: Record<string, Near>;
  /** "a/b". */
  why: Record<string, Why>;
  /** Row -> SVG, drawn for a white page. */
  structures: Record<string, string>;
  /** Number of the plate in `about.plates` -> its fields (those that the report carries). */
  images: Record<string, PlateImages>;
  /** Image (as in `images`) -> one channel. A pixel e (0..255) stands for low + (e / 255)^2 (high - low). */
  pictures: Record<string, { width: number; height: number; low: number; high: number; webp: string }>;
}
