import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/{unit,contract,integration}/**/*.test.ts'],
          // They mostly wait: for servers to be noticed, to end, to come back. By default there is one on two cores.
          maxWorkers: 3,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          // They time every call: no more at once than two cores bear, and not beside the others.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'app',
          include: ['test/{e2e,browser,types}/**/*.test.ts'],
          // These use the built package, as a user's app does.
          globalSetup: ['./test/support/build.ts'],
          // Real Motia servers, browsers, package installs: two of them starve a small machine so much that its
          // Redis servers answer too late, which is then noticed.
          maxWorkers: 1,
          // And after the others, which time their calls.
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
