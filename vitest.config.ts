import { existsSync, statfsSync } from 'node:fs'
import { defaultExclude, defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

/** They wait for what they cause, too, and time nothing. */
const zombies = 'test/chaos/zombies-*.test.ts'

/** About what a process does the first time. */
const fresh = ['test/unit/codec/first-use.test.ts']

/**
 * Where temporary files lie: in memory where there is plenty. On a disk that others keep busy a flush takes longer than a
 * call may, which is a fault of its own, with tests of its own.
 */
const memory = '/dev/shm'
const roomy = (folder: string): boolean => {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 2 ** 31
}
const quick: Readonly<Record<string, string>> = existsSync(memory) && roomy(memory) ? { TMPDIR: memory } : {}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: [...defaultExclude, ...fresh],
          // Pure rules, most of them: starting a process for each file, which loads the same again, was half of their time.
          isolate: false,
          maxWorkers: 4,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'core',
          env: quick,
          include: ['test/{contract,integration}/**/*.test.ts', ...fresh, zombies],
          // They mostly wait: for servers to be noticed, to end, to come back. By default there is one on two cores.
          maxWorkers: 4,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'managed',
          // What people do most, once more on servers as small managed databases are, with the rights of their users.
          // All else that needs neither more rights nor tracking: `REDIS_PROFILE=managed npx vitest run --project core`.
          env: { ...quick, REDIS_PROFILE: 'managed' },
          include: [
            'test/contract/store.test.ts', // the cache's and the state's are in managed.test.ts
            'test/integration/cache/{bulk,bulk-mixed,computing,grace,loaders,model,outage,policies,stored}.test.ts',
            'test/integration/state/{adapter,filters,hot-store,outage}.test.ts',
            'test/integration/failover/{recovery,kept-shelf,cached-shelf,cached-failback,outages}.test.ts',
          ],
          maxWorkers: 4,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          exclude: [...defaultExclude, zombies],
          // They time every call: no more at once than two cores bear, and not beside the others. The longest one waits.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'app',
          include: ['test/{e2e,types}/**/*.test.ts'],
          // These use the built package, as a user's app does.
          globalSetup: ['./test/support/build.ts'],
          // Real Motia servers, package installs: each wants about one core. With more of them than cores their starts
          // take so long that it is said, which some of these tests rightly don't expect.
          maxWorkers: 2,
          // And after the others, which time their calls.
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['./test/support/build.ts'],
          // As many as for the apps, which they run among.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
