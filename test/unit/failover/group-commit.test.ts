import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../../src/failover/journal/group-commit.ts'

/** A commit that the test brings to each of its points. */
const opened = (timeout = 10_000) => {
  const written: string[] = []
  const begun: (() => void)[] = []
  const ended: ((error?: Error) => void)[] = []
  const group = createGroupCommit<string[]>(
    async (take) => {
      await new Promise<void>((resolve) => begun.push(resolve))
      const results = take().map((action) => action(written))
      await new Promise<void>((resolve, reject) => ended.push((error) => (error ? reject(error) : resolve())))
      return results
    },
    timeout,
    (taken) => new Error(taken ? 'late, may be written' : 'late, not written'),
  )
  const write = (text: string) => group.join((to) => to.push(text))
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { group, written, begun, ended, write, turn }
}

describe('group commit', () => {
  it('what comes before the transaction runs is part of it, what comes later of the next', async () => {
    const { group, written, begun, ended, write, turn } = opened()
    const first = [write('a'), write('b')]
    await turn()
    first.push(write('c'))
    begun[0]?.()
    await turn()
    const second = write('d')
    expect(written).toEqual(['a', 'b', 'c'])
    ended[0]?.()
    expect(await Promise.all(first)).toEqual([1, 2, 3])
    await turn()
    begun[1]?.()
    await turn()
    ended[1]?.()
    expect(await second).toBe(4)
    expect(group.count()).toBe(2)
    await group.ended()
  })

  it('a commit that fails fails for those who were part of it, or that never were', async () => {
    const { begun, ended, write, turn } = opened()
    const first = write('a').catch((error) => error)
    begun[0]?.()
    await turn()
    const second = write('b')
    ended[0]?.(new Error('the disk is gone'))
    expect(await first).toEqual(new Error('the disk is gone'))
    await turn()
    begun[1]?.()
    await turn()
    ended[1]?.()
    expect(await second).toBe(2)

    const never = createGroupCommit<undefined>(
      () => Promise.reject(new Error('no transaction begins')),
      10_000,
      () => new Error('late'),
    )
    await expect(never.join(() => 1)).rejects.toThrow('no transaction begins')
  })

  it('what takes too long is given up: before its transaction runs it is not written, afterwards nobody knows', async () => {
    const { written, begun, write, turn } = opened(20)
    await expect(write('a')).rejects.toThrow('late, not written')
    const taken = write('b')
    begun[0]?.()
    await turn()
    await expect(taken).rejects.toThrow('late, may be written')
    expect(written).toEqual(['b'])
  })
})
