import { defineConfig } from 'tsdown'

// Declarations come from tsc over types/ (see types/tsconfig.json): a bundled .d.ts would move `Register`
// into a shared chunk, where an app's `declare module 'motia-redis'` could no longer reach it.
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    step: 'src/step.ts',
    preload: 'src/motia/step/preload.ts',
    wrapper: 'src/motia/step/wrapper.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  dts: false,
  clean: true,
  sourcemap: true,
  outExtensions: () => ({ js: '.js' }),
})
