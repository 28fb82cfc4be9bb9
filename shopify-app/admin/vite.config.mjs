import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, minify } from 'vite';

// One set of screens, two builds: UPLINE_UI names the backend. Both go into the binary, below one folder of assets whose
// names are hashes of what is in them.
const backend = process.env.UPLINE_UI === 'polaris' ? 'polaris' : 'own';
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The files that a part of the screens is made of, without what is loaded anyway. */
function filesOf(bundle, source, loaded) {
  const files = new Set();
  const add = (file) => {
    const chunk = bundle[file];
    if (!chunk || chunk.type !== 'chunk' || files.has(file) || loaded.has(file)) return;
    files.add(file);
    chunk.imports.forEach(add);
  };
  const found = Object.values(bundle).find((c) => c.type === 'chunk' && c.facadeModuleId?.endsWith(source));
  if (found) add(found.fileName);
  return [...files].map((file) => `/${file}`);
}

// The first part of an address, with a stroke where more follows, and the source of its screen where that is a file of its own.
const screens = {
  'orders/': 'screens/order.tsx', distributors: 'screens/people.tsx', products: 'screens/products.tsx', 'products/': 'screens/rules.tsx', commissions: 'screens/money.tsx',
  deliveries: 'screens/deliveries.tsx', stores: 'screens/stores.tsx', settings: 'screens/settings.tsx', audit: 'screens/audit.tsx',
};

/** Writes early.js into the page, with the names of the files it loads. */
const early = {
  name: 'early',
  enforce: 'post',
  transformIndexHtml: {
    order: 'post',
    async handler(html, { bundle }) {
      if (!bundle || backend !== 'own') return html;
      const entry = Object.values(bundle).find((c) => c.type === 'chunk' && c.isEntry);
      const loaded = new Set([entry.fileName, ...entry.imports]);
      const parts = {
        first: [...loaded].map((file) => `/${file}`),
        screens: Object.fromEntries(Object.entries(screens).map(([first, source]) => [first, filesOf(bundle, source, loaded)])),
        languages: Object.fromEntries(['de', 'es', 'pt', 'ja', 'ar'].map((tag) => [tag, filesOf(bundle, `text/${tag}.json`, loaded)[0]])),
      };
      const source = readFileSync(at('./early.js'), 'utf8').replace('globalThis.__PARTS__', JSON.stringify(parts));
      const { code } = await minify('early.js', source);
      return html.replace('<meta charset="utf-8">', `<meta charset="utf-8">\n  <script>${code.trim()}</script>`);
    },
  },
};

export default defineConfig({
  plugins: [early],
  root: at('.'),
  base: '/',
  publicDir: false,
  resolve: {
    alias: {
      '#ui': at('../ui/index.ts'), '#backend': at(`../ui/ui.${backend}.tsx`), '#viz': at('../ui/viz/viz.tsx'), '#text': at('../ui/text/t.ts'),
    },
    dedupe: ['preact'],
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    outDir: at(`../../server/web/dist/${backend}`),
    emptyOutDir: true,
    assetsInlineLimit: 0, // the policy allows no data: script or style, and a file is cached
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
