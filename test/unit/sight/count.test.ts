import { expect, it } from 'vitest'
import { createCountView } from '../../../src/sight/count.ts'

it('a count ends after two seconds, and says that there may be more', async () => {
  let time = 0
  const scan = async (_prefix: string, cursor = '0') => {
    time += 900
    const next = Number(cursor) + 1
    return { keys: ['met on every page', `key ${cursor}`], cursor: String(next) }
  }
  const looking = { category: () => ({ settings: { enumerable: true }, shelf: { scan } }) }
  const count = createCountView({ looking, elapsed: () => time })
  expect(await count({ category: 'menu' })).toEqual({ category: 'menu', entries: 4, atLeast: true })
  expect(time).toBe(2_700)
})
