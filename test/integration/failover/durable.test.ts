import { afterEach, expect, it } from 'vitest'
import { openDurable } from '../../../src/failover/journal/durable.ts'
import { categoryScope, type DeltaEntry } from '../../../src/failover/journal/journal-entries.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { testFolder } from '../../support/folder.ts'

const ends: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

it('an instance is the same to all of its calls: what is being added shows under the name it was written by', async () => {
  const env = {
    REDIS_PRIMARY_URL: 'redis://127.0.0.1:1',
    REDIS_SECONDARY_URL: 'redis://127.0.0.1:2',
    MOTIA_REDIS_DIR: testFolder(),
  }
  const quiet = (): void => undefined
  const { journal } = openDurable(readSettings({}, { env, baseDir: '/', production: false }), 'aaaaaaaa', {
    report: { info: quiet, warn: quiet, error: quiet },
    onFull: quiet,
  })
  ends.push(() => journal?.close())
  const delta: DeltaEntry = {
    ...{ kind: 'delta', scope: categoryScope('orders'), key: 'n', id: '1-1', by: 1 },
    ...{ endsAt: Date.now() + 60_000, kept: true },
  }
  await journal?.append('primary', [delta])
  const adding = () => ['primary', 'secondary'].map((name) => journal?.adding(name))
  const seen = [adding()]
  for await (const batch of journal?.batches('primary', 10) ?? []) {
    expect(batch.map(({ entry }) => entry)).toEqual([delta])
    seen.push(adding())
  }
  expect([...seen, adding()]).toEqual([
    [0, 0],
    [1, 0],
    [2, 0],
  ])
})
