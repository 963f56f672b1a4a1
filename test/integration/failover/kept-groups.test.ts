import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dump, type Ground, openGround } from './kept-ground.ts'

let ground: Ground
beforeEach(async () => {
  ground = await openGround()
})
afterEach(() => ground.close())

const set = (store: ReturnType<Ground['groups']>, group: string, field: string, text: string) =>
  store.groupSet(group, field, text, 600_000, 100)

describe('kept groups', () => {
  it('lie on both instances, alike', async () => {
    const store = ground.groups()
    for (let i = 0; i < 5; i++) await set(store, 'g', `f${i % 3}`, String(i))
    await set(store, 'other', 'x', '1')
    expect(await store.groupDelete('g', 'f0')).toBe('3')
    expect(await store.groupGet('g', 'f1')).toBe('4')
    expect(await store.groupGet('g', 'f0')).toBe(undefined)
    await store.groupClear('other')
    expect((await store.groupAll('g')).toSorted()).toEqual([
      ['f1', '4'],
      ['f2', '2'],
    ])
    expect(await store.groups()).toEqual(['g'])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
  })

  for (const [which, down] of [
    ['home', async (g: Ground) => g.a.crash()],
    ['the mirror', async (g: Ground) => g.b.crash()],
    ['frozen home', async (g: Ground) => g.a.freeze()],
    ['the frozen mirror', async (g: Ground) => g.b.freeze()],
  ] as const) {
    it(`with ${which} away every write is acknowledged, and read, and reaches it afterwards`, async () => {
      const store = ground.groups()
      await set(store, 'g', 'kept', '"before"')
      await set(store, 'g', 'gone', '"before"')
      await set(store, 'cleared', 'x', '1')
      await down(ground)
      await set(store, 'g', 'kept', '"meanwhile"')
      expect(await store.groupGet('g', 'kept')).toBe('"meanwhile"')
      expect(await store.groupDelete('g', 'gone')).toBe('"before"')
      expect(await store.groupGet('g', 'gone')).toBe(undefined)
      await set(store, 'new', 'a', '1')
      await store.groupClear('cleared')
      expect(await store.groupAll('g')).toEqual([['kept', '"meanwhile"']])
      expect(await store.groupFields('g')).toEqual(['kept'])
      expect(await store.groups()).toEqual(['g', 'new'])
      await set(store, 'cleared', 'y', '2')
      expect(await store.groupAll('cleared')).toEqual([['y', '2']])

      if (which.includes('frozen')) (which.includes('home') ? ground.a : ground.b).thaw()
      else await (which === 'home' ? ground.a : ground.b).restart()
      await ground.recover(which.includes('home') ? ground.home : ground.mirror)
      expect(await store.groupGet('g', 'kept')).toBe('"meanwhile"')
      if (which.includes('frozen')) expect(await dump(ground.a)).toEqual(await dump(ground.b))
    })
  }
})
