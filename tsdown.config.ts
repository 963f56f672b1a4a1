import { defineConfig, type UserConfig } from 'tsdown'

// Declarations come from tsc over types/ (see types/tsconfig.json): a bundled .d.ts would move `Register`
// into a shared chunk, where an app's `declare module 'motia-redis'` could no longer reach it.
const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  clean: true,
  sourcemap: true,
  outExtensions: () => ({ js: '.js' }),
} satisfies UserConfig

/**
 * What every step process loads, or everybody who imports the package: each is one small file. The rest is CommonJS,
 * which such a file can load at the moment it is needed, and which Node loads with less ado.
 */
const small = (name: string, source: string): UserConfig => ({ ...common, entry: { [name]: source }, minify: true })
// tsdown advises against CommonJS, and in CI its advice would be an error.
const commonJs = { format: 'cjs', outExtensions: () => ({ js: '.cjs' }), failOnWarn: false } satisfies UserConfig

/** In the client the careful half of the codec is a file of its own: most steps never need it, and compiling it takes 0.5 ms. */
const carefulLater = {
  name: 'careful-later',
  resolveId: (id: string) => (id === './careful.js' ? '\0careful' : undefined),
  load: (id: string) =>
    id === '\0careful'
      ? `const careful = () => require(__dirname + '/careful.cjs')
         export const checkMeta = (...args) => careful().checkMeta(...args)
         export const snapshot = (...args) => careful().snapshot(...args)
         export const importSuperjson = () => careful().importSuperjson()`
      : undefined,
}

export default defineConfig([
  small('index', 'src/built/index.ts'),
  small('step', 'src/step.ts'),
  { ...small('wrapper', 'src/motia/step/wrapper.ts'), outExtensions: () => ({ js: '.mjs' }) },
  { ...small('preload', 'src/motia/step/preload.cts'), ...commonJs, external: ['./client.cjs'] },
  { ...small('client', 'src/motia/step/client.ts'), ...commonJs, plugins: [carefulLater] },
  { ...small('careful', 'src/codec/careful.ts'), ...commonJs },
  { ...common, ...commonJs, entry: { server: 'src/tiers.ts' }, shims: true },
  {
    ...common,
    entry: { workbench: 'src/motia/workbench/index.tsx' },
    platform: 'browser',
    target: 'es2022',
    // The Workbench has its own React and components; a second one would not share its state. The chart library is ours.
    external: [/^react(\/|$)/, '@motiadev/ui', 'lucide-react'],
    inlineOnly: ['uplot'],
    copy: [
      'src/motia/workbench/workbench.css',
      { from: 'node_modules/uplot/dist/uPlot.min.css', to: 'dist', rename: 'workbench-chart.css' },
    ],
  },
])
