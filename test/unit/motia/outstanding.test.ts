import { describe, expect, it } from 'vitest'
import { createOutstanding, trackCalls } from '../../../src/motia/step/outstanding.ts'

const deferred = <T>() => {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

describe('outstanding calls', () => {
  it('are waited for, resolved or rejected, and those that follow them too', async () => {
    const outstanding = createOutstanding()
    const [a, b, c] = [deferred<number>(), deferred<number>(), deferred<number>()]
    const order: string[] = []
    void outstanding.track(a.promise).then(() => outstanding.track(c.promise))
    outstanding.track(b.promise).catch(() => undefined)
    const drained = outstanding.drain(10_000).then((left) => {
      order.push('drained')
      return left
    })
    a.resolve(1)
    b.reject(new Error('no'))
    setTimeout(() => {
      order.push('c')
      c.resolve(3)
    }, 20)
    expect(await drained).toBe(0)
    expect(order).toEqual(['c', 'drained'])
  })

  it('are given up at the limit, and their number is told', async () => {
    const outstanding = createOutstanding()
    void outstanding.track(deferred().promise)
    expect(await outstanding.drain(10)).toBe(1)
  })

  it('leave value, error and an unhandled rejection as they are', async () => {
    const outstanding = createOutstanding()
    expect(await outstanding.track(Promise.resolve(5))).toBe(5)
    const error = new Error('no')
    await expect(outstanding.track(Promise.reject(error))).rejects.toBe(error)
    expect(outstanding.count()).toBe(0)
  })
})

describe('a tracked cache', () => {
  it('counts the calls of its bound forms too', async () => {
    const outstanding = createOutstanding()
    const { promise, resolve } = deferred<string>()
    const methods = { get: (key: string) => promise.then((value) => key + value) }
    const cache = trackCalls({ ...methods, category: (_name: string) => methods }, outstanding)
    const plain = cache.get('a')
    const bound = cache.category('menu').get('b')
    expect(outstanding.count()).toBe(2)
    resolve('!')
    expect(await Promise.all([plain, bound])).toEqual(['a!', 'b!'])
    expect(outstanding.count()).toBe(0)
  })
})
