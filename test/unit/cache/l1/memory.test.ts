import { describe, expect, it } from 'vitest'
import { createMemory } from '../../../../src/cache/l1/memory.ts'

const kept = (text: string) => ({ text, until: 0, era: 0 })

describe('the memory of copies', () => {
  it('keeps those used last, in so many bytes', () => {
    const memory = createMemory(100_000)
    for (let n = 0; n < 200; n++) {
      memory.set(`k${n}`, kept('x'.repeat(1_000)))
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
      memory.set('k', kept(text))
      return memory.bytes()
    }
    expect(bytesOf('x'.repeat(1_000))).toBeGreaterThan(1_000)
    expect(bytesOf('ü€'.repeat(500)) - bytesOf('x'.repeat(1_000))).toBe(1_000)
  })

  it('counts what a reader leaves beside a text', () => {
    const memory = createMemory(100_000)
    memory.set('k', kept('x'))
    const before = memory.bytes()
    const held = memory.get('k')
    held?.remember('nothing of its own', 0)
    expect(memory.bytes()).toBe(before)
    held?.remember('much', 5_000)
    expect(memory.bytes()).toBe(before + 5_000)
    expect(memory.get('k')?.opened).toBe('much')
    memory.set('k', kept('y'))
    held?.remember('late', 9_000)
    expect(memory.bytes()).toBe(before)
    expect(memory.get('k')?.opened).toBeUndefined()
    memory.set('k', kept('z'))
    memory.get('k')?.remember('too much', 200_000)
    expect(memory.get('k')).toBeUndefined()
  })

  it('takes nothing that alone is more than all of it, and drops what was at the key', () => {
    const memory = createMemory(10_000)
    memory.set('k', kept('small'))
    memory.set('k', kept('x'.repeat(20_000)))
    expect(memory.get('k')).toBeUndefined()
    expect(memory.bytes()).toBe(0)
  })
})
