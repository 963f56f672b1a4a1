import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach } from 'vitest'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'
import { openSide, type Side, type SideOptions } from './recovery-side.ts'

/** Two servers and a folder for each test of a file, and the processes that it opens. */
export const openServers = () => {
  const servers: TestRedis[] = []
  const sides: Side[] = []
  let dir = ''
  beforeAll(async () => {
    servers.push(await startTestRedis(), await startTestRedis())
  })
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'motia-redis-recovery-'))
    await Promise.all(servers.map((server) => server.restart([])))
  })
  afterEach(async () => {
    for (const server of servers) server.thaw()
    await Promise.all(sides.splice(0).map((side) => side.close()))
    // A test may have left its data.
    await Promise.all(servers.map((server) => server.crash()))
    for (const server of servers) {
      rmSync(join(server.dir, 'dump.rdb'), { force: true })
      rmSync(join(server.dir, 'appendonlydir'), { recursive: true, force: true })
    }
    rmSync(dir, { recursive: true, force: true })
  })
  const at = (i: number): TestRedis => {
    const server = servers[i]
    if (server === undefined) throw new Error('only in a test')
    return server
  }

  return {
    primary: () => at(0),
    secondary: () => at(1),
    dir: () => dir,
    /** Checked, as at a start. */
    open: async (more: Partial<SideOptions> = {}): Promise<Side> => {
      const [primary, secondary] = [at(0).url, at(1).url]
      const side = await openSide({ primary, secondary, dir, processId: 'aaaaaaaa', ...more })
      sides.push(side)
      await side.recovery.check('primary')
      await side.recovery.check('secondary')
      return side
    },
    away: (side: Side, name: 'primary' | 'secondary' = 'primary') =>
      until(`${name} is down`, () => !side[name].readable() && !side[name].catchingUp()),
    back: (side: Side, name: 'primary' | 'secondary' = 'primary') =>
      until(`${name} is up`, () => side[name].readable(), 15_000),
  }
}
