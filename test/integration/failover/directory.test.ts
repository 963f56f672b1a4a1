import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Claim, type ClaimOptions, claimDirectory } from '../../../src/failover/journal/directory.ts'
import { openJournal } from '../../../src/failover/journal/journal.ts'
import { until } from '../../support/until.ts'

let dir: string
const claims: Claim[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'motia-redis-directory-'))
})
afterEach(() => {
  for (const claim of claims.splice(0)) claim.release()
  rmSync(dir, { recursive: true, force: true })
})
const claim = (options: ClaimOptions = {}): Claim => {
  const made = claimDirectory(dir, options)
  claims.push(made)
  return made
}
const owners = (): string[] => readdirSync(join(dir, 'owners'))
const refused = expect.objectContaining({ name: 'StoreError', kind: 'configuration', applied: 'no' })

describe('the directory', () => {
  it('is shared by the processes of one place', () => {
    claim()
    claim()
    expect(owners()).toHaveLength(2)
  })

  it('is refused from another machine or container while its owner lives, with what to do', () => {
    claim({ place: 'here' })
    expect(() => claim({ place: 'there' })).toThrow(refused)
    expect(() => claim({ place: 'there' })).toThrow(/another machine or container.*MOTIA_REDIS_DIR/)
    expect(owners()).toHaveLength(1)
    claim({ place: 'here' })
  })

  it('is free at once when its owner closed it', () => {
    claim({ place: 'here' }).release()
    claim({ place: 'there' })
  })

  it('is taken over from one that died: another boot, another container', async () => {
    // Its process id may be somebody else's by now, so it counts for nothing.
    const left = join(dir, 'owners', `here.${process.pid}.0`)
    claim({ place: 'there' }).release()
    writeFileSync(left, '.')
    expect(() => claim({ place: 'there', stale: 200 })).toThrow(refused)
    const taken = await until('it is stale', () => claim({ place: 'there', stale: 200 }))
    expect(taken.lost()).toBe(false)
    expect(owners()).toHaveLength(1)
  })

  it('files of processes that are gone from this place go at once', async () => {
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await once(child, 'exit')
    claim({ place: 'here' }).release()
    writeFileSync(join(dir, 'owners', `here.${child.pid}.0`), '.')
    claim({ place: 'here' })
    expect(owners()).toHaveLength(1)
  })

  it('an owner that lives goes on showing it', async () => {
    claim({ place: 'here', beat: 10 })
    const [file] = owners()
    const shown = (): number => statSync(join(dir, 'owners', String(file))).mtimeMs
    for (let i = 0; i < 3; i++) {
      const before = shown()
      await until('it is shown again', () => shown() > before)
    }
    rmSync(join(dir, 'owners', String(file)))
    await until('it is shown again', () => owners().length === 1)
    expect(() => claim({ place: 'there' })).toThrow(refused)
  })

  it('an owner that stood still for too long finds out that it lost it', async () => {
    const first = claim({ place: 'here', beat: 20, stale: 100 })
    const [file] = owners()
    const stop = performance.now() + 150
    while (performance.now() < stop);
    // Meanwhile, as the other one sees it:
    utimesSync(join(dir, 'owners', String(file)), 0, 0)
    claim({ place: 'there', beat: 20, stale: 100 })
    expect(first.lost()).toBe(false)
    await until('it knows', () => first.lost())
  })

  it('a folder that cannot be written is a clear error, and a later try helps', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    expect(() => openJournal({ dir: file })).toThrow(refused)
    expect(() => openJournal({ dir: file })).toThrow(/MOTIA_REDIS_DIR/)
    rmSync(file)
    const journal = openJournal({ dir: file })
    await journal.close()
    expect(readdirSync(join(file, 'owners'))).toEqual([])
  })

  it.skipIf(process.getuid?.() === 0)('a read-only folder is a clear error', () => {
    chmodSync(dir, 0o500)
    expect(() => openJournal({ dir })).toThrow(refused)
  })

  it('a journal that lost its folder writes no more', async () => {
    const journal = openJournal({ dir, claiming: { place: 'here', beat: 20, stale: 100 } })
    try {
      await journal.append('primary', [{ kind: 'invalid', scope: 'c:menu', key: 'a' }])
      const stop = performance.now() + 150
      while (performance.now() < stop);
      for (const name of owners()) utimesSync(join(dir, 'owners', name), 0, 0)
      claim({ place: 'there', beat: 20, stale: 100 })
      await until('it refuses', () =>
        journal.append('primary', [{ kind: 'invalid', scope: 'c:menu', key: 'b' }]).then(
          () => false,
          (error) => error.kind === 'unavailable' && error.applied === 'no',
        ),
      )
      expect(journal.find('primary', 'c:menu', 'a')).toBe(undefined)
    } finally {
      await journal.close()
    }
  })
})
