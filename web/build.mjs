// Builds dist/adrelay.js, which pages load, and dist/tests/, which node runs.
import { readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

/** @param {string} path */
const here = (path) => new URL(path, import.meta.url).pathname;

rmSync(here('dist'), { recursive: true, force: true });

await build({
    entryPoints: [here('src/snippet.ts')],
    outfile: here('dist/adrelay.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2020',
    legalComments: 'none',
});

for (const kind of ['unit', 'browser']) {
    const directory = here(`tests/${kind}`);
    const tests = readdirSync(directory).filter((name) => name.endsWith('.test.ts'));
    await build({
        entryPoints: tests.map((name) => `${directory}/${name}`),
        outdir: here(`dist/tests/${kind}`),
        outExtension: { '.js': '.mjs' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node18',
        packages: 'external',
        sourcemap: 'inline',
    });
}
