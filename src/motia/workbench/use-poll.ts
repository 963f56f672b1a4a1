import { useCallback, useEffect, useRef, useState } from 'react'
import type { Answers, Queries } from '../../sight/contract.js'
import { type ApiFailure, get } from './api.js'

export interface Polled<T> {
  /** The last good one to this very question. */
  readonly answer: T | undefined
  /** When it came, by this browser's clock. */
  readonly at: number | undefined
  /** Why there is no newer one. */
  readonly failure: ApiFailure | undefined
  /** Asks at once. */
  readonly again: () => void
}

interface Known<T> {
  readonly question: string
  readonly answer?: T
  readonly at?: number
  readonly failure?: ApiFailure
}

/**
 * The answer to a query, asked again `every` so many ms after the last answer (undefined: once for each question), and
 * only while the page can be seen. Requests never overlap; a question that changed drops the one under way.
 */
export const usePoll = <Q extends keyof Queries & keyof Answers>(
  query: Q,
  asked: Queries[Q],
  every: number | undefined,
): Polled<Answers[Q]> => {
  const question = `${query} ${JSON.stringify(asked)}`
  const [known, setKnown] = useState<Known<Answers[Q]>>({ question })
  const latest = useRef(asked)
  const wake = useRef<() => void>(() => undefined)

  useEffect(() => {
    latest.current = asked
  })

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let running = false
    let due = false
    const gone = new AbortController()

    const ask = async (): Promise<void> => {
      clearTimeout(timer)
      if (running || document.visibilityState === 'hidden') {
        due = true
        return
      }
      running = true
      due = false
      const result = await get(query, latest.current, gone.signal)
      running = false
      if (gone.signal.aborted) return
      setKnown((before) => {
        if (result.ok) return { question, answer: result.answer, at: Date.now() }
        return { ...(before.question === question ? before : { question }), failure: result.failure }
      })
      if (due) void ask()
      else if (every !== undefined) timer = setTimeout(ask, every)
    }
    const onVisible = (): void => {
      if (document.visibilityState === 'visible' && (due || every !== undefined)) void ask()
    }
    wake.current = () => void ask()
    document.addEventListener('visibilitychange', onVisible)
    void ask()
    return () => {
      gone.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
      wake.current = () => undefined
    }
  }, [query, question, every])

  const again = useCallback(() => wake.current(), [])
  const mine = known.question === question ? known : undefined
  return { answer: mine?.answer, at: mine?.at, failure: mine?.failure, again }
}
