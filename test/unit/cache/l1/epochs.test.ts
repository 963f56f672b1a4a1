import { describe, expect, it } from 'vitest'
import { createEpochs } from '../../../../src/cache/l1/epochs.ts'

describe('the epoch of a key', () => {
  it('is the same at the end of a read as at its beginning, unless it was raised', () => {
    const epochs = createEpochs()
    const first = epochs.begin('a')
    const second = epochs.begin('a')
    const other = epochs.begin('b')
    expect(epochs.end('a', first)).toBe(true)
    epochs.raise('a')
    const third = epochs.begin('a')
    expect(epochs.end('a', second)).toBe(false)
    expect(epochs.end('a', third)).toBe(true)
    expect(epochs.end('b', other)).toBe(true)
  })

  it('is raised for every key at once', () => {
    const epochs = createEpochs()
    const begun = ['a', 'b'].map((key) => [key, epochs.begin(key)] as const)
    epochs.raiseAll()
    for (const [key, epoch] of begun) expect(epochs.end(key, epoch)).toBe(false)
    expect(epochs.end('a', epochs.begin('a'))).toBe(true)
  })

  it('of a read that is over has no part in the next', () => {
    const epochs = createEpochs()
    const late = epochs.begin('a')
    epochs.raise('a')
    const fresh = epochs.begin('a')
    expect(epochs.end('a', late)).toBe(false)
    expect(epochs.end('a', fresh)).toBe(true)
  })
})
