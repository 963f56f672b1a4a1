import { afterAll, beforeAll, expect } from 'vitest'

/** Fails the file if anything in it leaks a rejection or an exception. */
export const expectNothingUnhandled = (): void => {
  const leaks: unknown[] = []
  const note = (error: unknown): void => {
    leaks.push(error)
  }
  beforeAll(() => {
    process.on('unhandledRejection', note)
    process.on('uncaughtException', note)
  })
  afterAll(async () => {
    // A rejection counts as unhandled only after the current turn.
    await new Promise((resolve) => setTimeout(resolve, 20))
    process.off('unhandledRejection', note)
    process.off('uncaughtException', note)
    expect(leaks).toEqual([])
  })
}
