import { describe, expect, it } from 'vitest'
import { createMemory, noCopies } from '../../../../src/cache/l1/memory.ts'

const kept = (text: string) => ({ text, until: 0, era: 0 })

describe('the memory of copies', () => {
  it('keeps those used last, in so many bytes', () => {
    const memory = createMemory(100_000)
    for (let n = 0; n < 200; n++) {
      memory.set(`k${n}`, kept('x'.repeat(1_000)), noCopies())
      memory.get('k0')
      expect(memory.bytes()).toBeLessThanOrEqual(100_000)
    }
    expect(memory.get('k0')).toBeDefined()
    expect(memory.get('k1')).toBeUndefined()
    expect(memory.get('k199')).toBeDefined()
    memory.delete('k199')
    expect(memory.get('k199')).toBeUndefined()
  })

  it('counts what a text takes in memory, not how long it is', () => {
    const bytesOf = (text: string): number => {
      const memory = createMemory(100_000)
      memory.set('k', kept(text), noCopies())
      return memory.bytes()
    }
    expect(bytesOf('x'.repeat(1_000))).toBeGreaterThan(1_000)
    expect(bytesOf('ü€'.repeat(500)) - bytesOf('x'.repeat(1_000))).toBe(1_000)
  })

  it('counts what a reader leaves beside a text', () => {
    const memory = createMemory(100_000)
    memory.set('k', kept('x'), noCopies())
    const before = memory.bytes()
    const held = memory.get('k')
    held?.remember('nothing of its own', 0)
    expect(memory.bytes()).toBe(before)
    held?.remember('much', 5_000)
    expect(memory.bytes()).toBe(before + 5_000)
    expect(memory.get('k')?.opened).toBe('much')
    memory.set('k', kept('y'), noCopies())
    held?.remember('late', 9_000)
    expect(memory.bytes()).toBe(before)
    expect(memory.get('k')?.opened).toBeUndefined()
    memory.set('k', kept('z'), noCopies())
    memory.get('k')?.remember('too much', 200_000)
    expect(memory.get('k')).toBeUndefined()
  })

  it('takes nothing that alone is more than all of it, and drops what was at the key', () => {
    const memory = createMemory(10_000)
    memory.set('k', kept('small'), noCopies())
    memory.set('k', kept('x'.repeat(20_000)), noCopies())
    expect(memory.get('k')).toBeUndefined()
    expect(memory.bytes()).toBe(0)
  })

  it('counts what there is of each category, and what made room for others', () => {
    const memory = createMemory(10_000)
    const [menu, user] = [noCopies(), noCopies()]
    memory.set('menu:1', kept('x'.repeat(1_000)), menu)
    memory.set('user:1', kept('y'), user)
    memory.get('user:1')?.remember('much', 2_000)
    expect(menu).toMatchObject({ entries: 1, evicted: 0 })
    expect(user).toMatchObject({ entries: 1, evicted: 0 })
    expect(menu.bytes + user.bytes).toBe(memory.bytes())
    memory.set('menu:1', kept('z'), menu)
    expect(menu.entries).toBe(1)
    memory.set('menu:2', kept('x'.repeat(20_000)), menu)
    expect(menu.entries).toBe(1)
    for (let n = 0; n < 20; n++) memory.set(`user:${n}`, kept('y'), user)
    expect(menu).toMatchObject({ entries: 0, bytes: 0, evicted: 1 })
    expect(user.bytes).toBe(memory.bytes())
    memory.delete('user:19')
    expect(user.bytes).toBe(memory.bytes())
    expect(user.evicted + user.entries).toBe(19)
  })
})
