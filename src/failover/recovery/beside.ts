/** One piece of work at a time that goes on beside what its caller does next, who hears of its failure later. */
interface Beside {
  /** Begins when the one before has ended, and then resolves. Rejects with what that one met. */
  begin(work: () => Promise<unknown>): Promise<void>
  /** Nothing of it runs any more. Rejects with what the last one met. */
  ended(): Promise<void>
}

export const createBeside = (): Beside => {
  let running: Promise<unknown> | undefined
  const ended = async (): Promise<void> => {
    const last = running
    running = undefined
    await last
  }
  return {
    begin: async (work) => {
      await ended()
      running = work()
      // Until somebody asks for it; then it is his.
      running.catch(() => undefined)
    },
    ended,
  }
}
