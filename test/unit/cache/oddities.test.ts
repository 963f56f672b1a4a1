import { describe, expect, it } from 'vitest'
import { createOddities } from '../../../src/cache/oddities.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'

const settings = readSettings({ categories: { menu: {} } }, { env: {}, baseDir: '.', production: false })

const named = (name: string): CategorySettings => {
  const menu = settings.categories.get('menu')
  if (menu === undefined) throw new Error('menu is configured')
  return { ...menu, name }
}

const start = () => {
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  return { said, oddities: createOddities({ info: say, warn: say, error: say }, () => 0) }
}

describe('what is said once', () => {
  it('of the latest thousand categories', () => {
    const { said, oddities } = start()
    const tell = (at: number): void => {
      oddities.shortTtl(named(`made-up-${at}`), 60)
      oddities.unreadable(named(`made-up-${at}`), 'no JSON')
    }
    for (let at = 0; at < 1_001; at++) tell(at)
    expect(said).toHaveLength(2_002)
    tell(1_000)
    tell(1)
    expect(said).toHaveLength(2_002)
    // Forgotten in favour of the others.
    tell(0)
    expect(said).toHaveLength(2_004)
  })
})

it('a lease that was not released is said once a minute, without what the error says', () => {
  const { said, oddities } = start()
  oddities.releaseFailed(named('menu'), new RangeError('secret'))
  oddities.releaseFailed(named('menu'), new RangeError('secret'))
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(/^category menu: a lease was not released \(RangeError at .*\), 1 so far; it ends by itself$/)
})
