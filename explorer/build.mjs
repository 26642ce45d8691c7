// Builds src/ into src/impasto/explorer/static; with --check, compares a fresh build with what lies there, byte for byte.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'src', 'impasto', 'explorer', 'static');
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'];
const shared = { bundle: true, minify: true, target: 'es2022', charset: 'utf8', legalComments: 'none', logLevel: 'warning', write: false };

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const read = (path) => readFileSync(join(here, path));

/** Every file that the bundle is made of. */
function sources() {
  const files = readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true });
  const inSrc = files.filter((file) => file.isFile()).map((file) => relative(here, join(file.parentPath, file.name)).split(sep).join('/'));
  return [...inSrc, 'build.mjs', 'package.json', 'package-lock.json', 'tsconfig.json'].sort();
}

/** The packages whose code is in the bundle: name, version, licence and its text. */
function packages(metafile) {
  const found = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(found.filter(Boolean))].sort().map((name) => {
    const folder = join('node_modules', name);
    const { version, license } = JSON.parse(read(join(folder, 'package.json')));
    if (!LICENCES.includes(license)) throw new Error(`${name} has the licence ${license}, which is none of ${LICENCES.join(', ')}`);
    const file = readdirSync(join(here, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} comes without the text of its licence`);
    return { name, version, license, text: read(join(folder, file)).toString().trim() };
  });
}

async function files() {
  const js = await build({
    ...shared,
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx' },
    outdir: 'out',
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    metafile: true,
  });
  const css = await build({ ...shared, absWorkingDir: here, entryPoints: { app: 'src/style.css' }, outdir: 'out' });
  const app = js.outputFiles[0].text;
  if (/<\/script/i.test(app)) throw new Error('app.js holds "</script", so a report cannot carry it');
  const bundled = packages(js.metafile);
  const notices = bundled.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`);
  const made = {
    'app.js': app,
    'app.css': css.outputFiles[0].text,
    'index.html': read('src/index.html').toString(),
    'NOTICES.txt': `The page of the explorer holds code of these packages.\n\n${notices.join('\n' + '-'.repeat(80) + '\n\n')}`,
  };
  const record = {
    sources: Object.fromEntries(sources().map((path) => [path, sha256(read(path))])),
    packages: bundled.map(({ name, version, license }) => ({ name, version, license })),
    files: Object.fromEntries(Object.entries(made).map(([name, text]) => [name, sha256(text)])),
  };
  return { ...made, 'build.json': JSON.stringify(record, null, 2) + '\n' };
}

const made = await files();
if (process.argv.includes('--check')) {
  const differ = Object.entries(made).filter(([name, text]) => !existsSync(join(out, name)) || readFileSync(join(out, name), 'utf8') !== text);
  if (differ.length) {
    console.error(`${differ.map(([name]) => name).join(', ')} differ from a fresh build; run: npm run build (in explorer/)`);
    process.exit(1);
  }
} else {
  mkdirSync(out, { recursive: true });
  for (const [name, text] of Object.entries(made)) writeFileSync(join(out, name), text);
}
