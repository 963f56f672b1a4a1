import { timerMs } from './timer.js'

/** Room for so many jobs at once. */
export interface Slots {
  /** False: there is no room, also for those who wait already. */
  tryEnter(): boolean
  /** In the order they came. Who has waited for `patience` ms goes in all the same: jobs may wait for each other. */
  enter(): Promise<void>
  leave(): void
}

export const createSlots = (width: number, patience: number): Slots => {
  const waiting = new Set<() => void>()
  let taken = 0
  const tryEnter = (): boolean => {
    if (taken >= width) return false
    taken++
    return true
  }
  return {
    tryEnter,
    enter: () =>
      new Promise((resolve) => {
        if (tryEnter()) return resolve()
        const go = (): void => {
          clearTimeout(timer)
          waiting.delete(go)
          taken++
          resolve()
        }
        const timer = setTimeout(go, timerMs(patience))
        waiting.add(go)
      }),
    leave: () => {
      taken--
      const [next] = waiting
      if (taken < width) next?.()
    },
  }
}
