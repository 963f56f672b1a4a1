import { now } from './history.ts'

const EVERY = 5

/** How late the event loop of this process runs. */
export interface LoopWatch {
  /** ms of lateness since the start, in all. What a call suffered is the difference. */
  total(): number
  stop(): void
}

export const watchLoop = (): LoopWatch => {
  let sum = 0
  let last = now()
  const since = (): number => Math.max(0, now() - last - EVERY)
  const timer = setInterval(() => {
    sum += since()
    last = now()
  }, EVERY)
  timer.unref()
  return { total: () => sum + since(), stop: () => clearInterval(timer) }
}
