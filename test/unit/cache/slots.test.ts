import { describe, expect, it } from 'vitest'
import { createSlots, type Seat } from '../../../src/cache/slots.ts'

/** Who got in so far. */
const start = (width: number) => {
  const slots = createSlots(width)
  const inside = new Map<string, Seat>()
  const enter = (name: string, signal = new AbortController().signal): Promise<void> =>
    slots.enter(signal).then((seat) => void inside.set(name, seat))
  const seat = (name: string): Seat => {
    const found = inside.get(name)
    if (found === undefined) throw new Error(`${name} is not inside`)
    return found
  }
  return { slots, enter, seat, names: () => [...inside.keys()] }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('slots', () => {
  it('are taken in order; whoever leaves twice makes room once', async () => {
    const { slots, enter, seat, names } = start(1)
    await enter('a')
    for (const name of ['b', 'c']) void enter(name)
    await turn()
    expect(names()).toEqual(['a'])
    seat('a').leave()
    seat('a').leave()
    await turn()
    expect(names()).toEqual(['a', 'b'])
    expect(slots.tryEnter()).toBeUndefined()
  })

  it('whoever gives up waiting takes no room', async () => {
    const { slots, enter, seat } = start(1)
    await enter('a')
    const controller = new AbortController()
    const waits = enter('b', controller.signal)
    controller.abort(new Error('too late'))
    await expect(waits).rejects.toThrow('too late')
    await expect(enter('c', controller.signal)).rejects.toThrow('too late')
    seat('a').leave()
    expect(slots.tryEnter()).toBeDefined()
    expect(slots.tryEnter()).toBeUndefined()
  })

  it('a lent place is free until all of its waiting is over', async () => {
    const { slots, enter, seat } = start(1)
    await enter('a')
    const ends: (() => void)[] = []
    const wait = () => new Promise<void>((resolve) => ends.push(resolve))
    const waits = [seat('a').lend(wait), seat('a').lend(wait)]
    const borrowed = slots.tryEnter()
    expect(borrowed).toBeDefined()
    borrowed?.leave()
    ends[0]?.()
    await waits[0]
    slots.tryEnter()?.leave()
    ends[1]?.()
    await waits[1]
    expect(slots.tryEnter()).toBeUndefined()
    seat('a').leave()
    expect(slots.tryEnter()).toBeDefined()
  })

  it('who left while its place was lent makes no room again, nor takes any', async () => {
    const { slots, enter, seat } = start(1)
    await enter('a')
    let end = (): void => undefined
    const lent = seat('a').lend(() => new Promise<void>((resolve) => (end = resolve)))
    seat('a').leave()
    end()
    await lent
    await seat('a').lend(async () => undefined)
    expect(slots.tryEnter()).toBeDefined()
    expect(slots.tryEnter()).toBeUndefined()
  })
})
