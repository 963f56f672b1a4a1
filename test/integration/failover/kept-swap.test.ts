import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../support/until.ts'
import { type Ground, layout, name, openGround, valueIn, write } from './kept-ground.ts'
import { openRedis } from './kept-model.ts'

let ground: Ground
beforeEach(async () => {
  ground = await openGround()
})
afterEach(() => ground.close())

/** Home can be read and takes no writes: what it will need waits in the journal, and is compared there. */
const withoutWrites = async (): Promise<void> => {
  const raw = openRedis(ground.a.url)
  await raw.replicaof('127.0.0.1', 1)
  raw.disconnect()
  await until('home takes no writes', () => ground.home.readable() && !ground.home.writable())
}

/** Once home has answered the next look at an entry, and before its caller hears of it. */
const afterLook = (act: () => Promise<unknown>): void => {
  const script = ground.home.script
  vi.spyOn(ground.home as { script: typeof script }, 'script').mockImplementationOnce(async (...call) => {
    const reply = await script(...call)
    await act()
    return reply
  })
}

describe('a new life for an entry that waits in the journal', () => {
  const shelf = () => ground.shelf()
  const waiting = async (): Promise<string> => {
    await shelf().write([write('a', 'before')])
    await withoutWrites()
    await shelf().write([write('a', 'waits')])
    return (await shelf().read(name('a'))) ?? ''
  }
  const swap = (found: string): Promise<boolean> => shelf().swap(name('a'), found, write('a', 'waits'))

  it('is given to nothing that was written over it meanwhile', async () => {
    const found = await waiting()
    afterLook(() => shelf().write([write('a', 'since')]))
    expect(await swap(found)).toBe(false)
    expect(valueIn(await shelf().read(name('a')))).toBe('since')
  })

  it('is given to nothing that was removed meanwhile', async () => {
    const found = await waiting()
    afterLook(() => shelf().remove([name('a')]))
    expect(await swap(found)).toBe(false)
    expect(await shelf().read(name('a'))).toBeUndefined()
  })

  it('is given where home stops answering in between', async () => {
    const found = await waiting()
    ground.home.drill(60_000)
    expect(await swap(found)).toBe(true)
    expect(valueIn(await shelf().read(name('a')))).toBe('waits')
  })
})

describe("a new life for a value that somebody else replaced meanwhile, where it can't be seen yet", () => {
  let other: Ground
  beforeEach(async () => {
    other = await openGround({ servers: [ground.a, ground.b] })
  })
  afterEach(() => other.close())

  const lying = (): Promise<(string | undefined)[]> => {
    const { redisKey } = name('a')
    const { home, mirror } = ground
    return Promise.all([home.read(redisKey), mirror.read(layout.mirror(home.name) + redisKey)])
  }

  /** ms */
  const AWAY = 3_000

  /** One of them finds the mirror away, the other one home. */
  const apart = async (replace: () => Promise<unknown>): Promise<void> => {
    await other.shelf().write([write('a', 'before')])
    ground.mirror.drill(AWAY)
    await replace()
    other.home.drill(AWAY)
    const found = (await other.shelf().read(name('a'))) ?? ''
    expect(valueIn(found)).toBe('before')
    expect(await other.shelf().swap(name('a'), found, write('a', 'before'))).toBe(true)
    await other.recover(other.home)
    await ground.recover(ground.mirror)
  }
  it('does not bring it back over a later value', async () => {
    await apart(() => ground.shelf().write([write('a', 'since')]))
    expect((await lying()).map(valueIn)).toEqual(['since', 'since'])
  })

  it('does not bring it back after it was removed', async () => {
    await apart(() => ground.shelf().remove([name('a')]))
    expect(await lying()).toEqual([undefined, undefined])
  })
})
