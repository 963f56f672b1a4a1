import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../support/until.ts'
import { dump, envelope, type Ground, name, openGround, valueIn, write } from './kept-ground.ts'

let ground: Ground
beforeEach(async () => {
  ground = await openGround()
})
afterEach(() => ground.close())

const keysOf = async (shelf: ReturnType<Ground['shelf']>, begin = ''): Promise<string[]> => {
  const keys = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await shelf.scan(begin, cursor, 10)
    for (const key of page.keys) keys.add(key)
    cursor = page.cursor
  } while (cursor !== undefined)
  return [...keys].sort()
}

describe('kept entries', () => {
  it('lie on both instances, alike', async () => {
    const shelf = ground.shelf()
    await shelf.write(Array.from({ length: 300 }, (_, i) => write(`k${i}`, i)))
    await shelf.write([write('k1', 'again')])
    expect(valueIn(await shelf.read(name('k1')))).toBe('again')
    expect(await shelf.remove([name('k2'), name('absent')])).toEqual([true, false])
    expect((await shelf.readMany([name('k1'), name('k2'), name('k3')])).map(valueIn)).toEqual(['again', undefined, 3])
    const keys = await keysOf(shelf)
    expect(keys.length).toBe(299)
    // Only its own, of all that lies there: markers, versions, what others keep.
    expect(keys.filter((key) => !key.startsWith('app:orders:'))).toEqual([])
    expect(await keysOf(shelf, 'k29')).toEqual(keys.filter((key) => key.startsWith('app:orders:k29')))
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await shelf.clear()
    expect(await keysOf(shelf)).toEqual([])
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await shelf.write([write('k1', 'after')])
    expect(valueIn(await shelf.read(name('k1')))).toBe('after')
  })

  for (const [which, freeze] of [
    ['home', true],
    ['home', false],
    ['mirror', true],
    ['mirror', false],
  ] as const) {
    it(`with ${freeze ? 'a frozen' : 'a dead'} ${which} every write is acknowledged, and read, and reaches it afterwards`, async () => {
      const shelf = ground.shelf()
      const server = which === 'home' ? ground.a : ground.b
      for (const key of ['kept', 'gone', 'touched', 'old']) await shelf.write([write(key, 'before')])
      if (freeze) server.freeze()
      else await server.crash()
      await shelf.write([write('kept', 'meanwhile'), write('new', 1)])
      expect(valueIn(await shelf.read(name('kept')))).toBe('meanwhile')
      expect(await shelf.remove([name('gone')])).toEqual([true])
      expect(await shelf.read(name('gone'))).toBe(undefined)
      const text = await shelf.read(name('touched'))
      const endsAt = Date.now() + 900_000
      expect(await shelf.swap(name('touched'), text ?? '', { text: envelope('touched', endsAt), endsAt })).toBe(true)
      expect(await shelf.swap(name('touched'), text ?? '', { text: envelope('no', endsAt), endsAt })).toBe(false)
      expect(valueIn(await shelf.read(name('touched')))).toBe('touched')
      expect(await shelf.locate(name('kept'))).toMatchObject({
        source: which === 'home' ? 'secondary' : 'primary',
        degraded: which === 'home',
      })
      expect(await keysOf(shelf)).toEqual(['kept', 'new', 'old', 'touched'].map((key) => `app:orders:${key}`))
      if (freeze) server.thaw()
      else await server.restart()
      await ground.recover(which === 'home' ? ground.home : ground.mirror)
      expect(valueIn(await shelf.read(name('kept')))).toBe('meanwhile')
      expect(valueIn(await shelf.read(name('touched')))).toBe('touched')
      expect(await shelf.read(name('gone'))).toBe(undefined)
      if (freeze) expect(await dump(ground.a)).toEqual(await dump(ground.b))
    })

    it(`a clear while ${freeze ? 'a frozen' : 'a dead'} ${which} is away holds`, async () => {
      const shelf = ground.shelf()
      const server = which === 'home' ? ground.a : ground.b
      await shelf.write([write('a', 1), write('b', 2)])
      if (freeze) server.freeze()
      else await server.crash()
      await shelf.clear()
      expect(await keysOf(shelf)).toEqual([])
      expect(await shelf.read(name('a'))).toBe(undefined)
      await shelf.write([write('b', 3)])
      expect(await keysOf(shelf)).toEqual(['app:orders:b'])
      expect((await shelf.readMany([name('a'), name('b')])).map(valueIn)).toEqual([undefined, 3])
      if (freeze) server.thaw()
      else await server.restart()
      await ground.recover(which === 'home' ? ground.home : ground.mirror)
      expect(await keysOf(shelf)).toEqual(['app:orders:b'])
      if (freeze) expect(await dump(ground.a)).toEqual(await dump(ground.b))
    })
  }

  it('counters: counted at home, copied to the mirror, and on in the journal while home is away', async () => {
    const shelf = ground.shelf()
    const endsAt = Date.now() + 600_000
    expect(await shelf.increment(name('n'), 2, endsAt)).toBe(2)
    expect(await shelf.increment(name('n'), 3, endsAt)).toBe(5)
    expect(await dump(ground.a)).toEqual(await dump(ground.b))
    await ground.a.crash()
    expect(await shelf.read(name('n'))).toBe('5')
    // The first one may have reached the server: nobody knows, so it rejects.
    await shelf.increment(name('n'), 1, endsAt).catch((error) => expect(error.applied).toBe('unknown'))
    const before = Number(await shelf.read(name('n')))
    expect(await shelf.increment(name('n'), 1, endsAt)).toBe(before + 1)
    expect(await shelf.increment(name('fresh'), 7, endsAt)).toBe(7)
    expect(await shelf.increment(name('fresh'), 1, endsAt)).toBe(8)
    expect(await shelf.read(name('fresh'))).toBe('8')
    await shelf.write([write('text', 'x')])
    await expect(shelf.increment(name('text'), 1, endsAt)).rejects.toMatchObject({ kind: 'not-a-number' })
    await ground.a.restart()
    await ground.recover(ground.home)
    expect(await shelf.increment(name('fresh'), 1, endsAt)).toBe(9)
  })

  it('a counter that only the journal knows goes with a clear, whether home is still away or back', async () => {
    const shelf = ground.shelf()
    const endsAt = Date.now() + 600_000
    for (const back of [false, true]) {
      ground.home.drill(60_000)
      expect(await shelf.increment(name('n'), 2, endsAt)).toBe(2)
      if (back) {
        ground.home.drill(0)
        await until('it takes writes again', () => ground.home.writable())
      }
      await shelf.clear()
      expect(await shelf.read(name('n'))).toBe(undefined)
      if (!back) ground.home.drill(0)
      await ground.recover(ground.home)
      expect(await shelf.read(name('n'))).toBe(undefined)
      expect(await shelf.increment(name('n'), 1, endsAt)).toBe(1)
      await shelf.clear()
    }
  })
})
