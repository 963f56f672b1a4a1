import { createContext, useContext, useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

const tick = (): void => {
  if (document.visibilityState === 'hidden') return
  now = Date.now()
  for (const listener of [...listeners]) listener()
}

/** One clock for all who look at it, which runs only while somebody does and the page can be seen. */
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  if (listeners.size === 1) {
    now = Date.now()
    timer = setInterval(tick, 1_000)
    document.addEventListener('visibilitychange', tick)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    document.removeEventListener('visibilitychange', tick)
  }
}

/** This browser's clock, moving once a second. */
const useNow = (): number => useSyncExternalStore(subscribe, () => now)

/** By how many ms the server's clock is ahead of this browser's. */
export const ClockAhead = createContext(0)

/** The server's clock, by which all times in answers are. */
export const useServerNow = (): number => useNow() + useContext(ClockAhead)
