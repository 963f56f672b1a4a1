import { durable, type Fault } from './fault.ts'

/** The wall clock of this process, as an administrator or a bad time server sets it. Timers don't mind. */
const realNow = Date.now
const setClock = (ahead: number): void => {
  Date.now = ahead === 0 ? realNow : () => realNow() + ahead
}
const TEN_MINUTES = 600_000

const jump = (name: string, ahead: number): Fault => ({
  name,
  alone: true,
  answers: true,
  shows: 'nothing',
  inject: async () => setClock(ahead),
  heal: async () => setClock(0),
})

/** The clock of this process is wrong for a while, then right again, so each goes both ways. */
export const clocks: readonly Fault[] = [
  jump('clock set ten minutes ahead', TEN_MINUTES),
  jump('clock set ten minutes back', -TEN_MINUTES),
  {
    name: 'crash while the clock is ahead',
    alone: true,
    arena: { args: durable },
    inject: async ({ primary }) => {
      setClock(TEN_MINUTES)
      await primary.crash()
    },
    heal: async ({ primary }) => {
      setClock(0)
      await primary.restart()
    },
  },
]
