import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest, in this order: one that starts late keeps the others of its project waiting at the end.
 * Vitest sorts by the times of the run before, which a clean checkout has none of; by size then, which says nothing here.
 */
const longest = [
  // chaos
  'chaos/flapping',
  'chaos/matrix-load-0',
  'chaos/matrix-load-1',
  'chaos/processes',
  'chaos/matrix-idle',
  'chaos/increments',
  'chaos/nemesis',
  // app, browser
  'e2e/app-outage-both',
  'browser/panel',
  'e2e/app-outage-primary',
  'e2e/app-layouts',
  'e2e/app-outage-secondary',
  'e2e/injection',
  'e2e/app',
  'e2e/start',
  'browser/states-tab',
  'types/packed',
  'e2e/workbench-panel',
  'e2e/panel-routes',
  'e2e/app-readme',
  // core
  'integration/instances/probing',
  'chaos/zombies-vanished',
  'chaos/zombies-live',
  'integration/acl',
  'integration/cache/stampede',
  'integration/failover/recovery',
  'integration/failover/lease-races',
  'integration/state/hot-store',
  'integration/failover/recovery-processes',
  'integration/motia/channel',
  'integration/instances/refusals',
  'integration/instances/fence',
  'integration/failover/recovery-fence',
  'integration/l1/link',
  'integration/failover/recovery-replay',
  'integration/failover/long-counts',
  'integration/failover/embedded-copy',
  'integration/tiers-outage',
].map((name) => `/test/${name}.test.ts`)

const rank = ({ moduleId }: TestSpecification): number => {
  const at = longest.findIndex((name) => moduleId.endsWith(name))
  return at < 0 ? longest.length : at
}
const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => group(a) - group(b) || rank(a) - rank(b))
  }
}
